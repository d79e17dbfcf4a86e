// What is said of jobs: the names of events, and why one failed.
import { CloudError, messageOf } from "#shared/errors.ts";
import type { JobFunction } from "./define.ts";

/** `makeConfigDrive` is the event "make config drive". */
export const wordsOf = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** `instances/start` is the event "instance start". */
export const jobWords = (kind: string): string => kind.replace(/s?\//, " ").replaceAll("-", " ");

export const reasonOf = (error: unknown): string =>
  error instanceof CloudError ? error.message : `unexpected: ${messageOf(error)}`;

export const lateReason = ({ deadline_ms }: JobFunction, error: unknown): string =>
  `not done after ${deadline_ms / 1000} s${error instanceof CloudError ? `: ${error.message}` : ""}`;
