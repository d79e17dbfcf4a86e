// Where an instance's files are on its node.
import { join } from "node:path";
import type { Config } from "../config.ts";

export const instancesDirectory = (config: Config): string => join(config.STORAGE_PATH, "instances");

export const instanceDirectory = (config: Config, uuid: string): string =>
  join(instancesDirectory(config), uuid);

export const CONSOLE_LOG = "console.log";

export const consoleLog = (config: Config, uuid: string): string =>
  join(instanceDirectory(config, uuid), CONSOLE_LOG);
