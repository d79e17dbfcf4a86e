// What the image functions are handed (a part of the cloud) and where a node keeps its images.
import { join } from "node:path";
import type { Cloud, NewEvent } from "../cloud.ts";

export type ImageTools = Pick<
  Cloud,
  "store" | "http" | "exec" | "clock" | "log" | "config" | "node" | "mutex" | "fetches"
>;

/** Told of each step, so that the history of whoever wants the image shows it. */
export type Recorder = (event: NewEvent) => void;

export const cacheDirectory = (config: { STORAGE_PATH: string }): string =>
  join(config.STORAGE_PATH, "image_cache");

/** Runs a step between its `start` and `finish` events. */
export async function step<T>(
  tools: Pick<ImageTools, "clock">,
  record: Recorder,
  operation: string,
  work: () => Promise<T>,
): Promise<T> {
  const started = tools.clock.now();
  record({ operation, phase: "start" });
  const result = await work();
  record({ operation, phase: "finish", duration: tools.clock.now() - started });
  return result;
}

/** The most that an image may be, packed, unpacked and converted. */
export const maxBytes = (tools: Pick<ImageTools, "config">): number =>
  Math.floor(tools.config.IMAGE_MAX_GIB * 2 ** 30);
