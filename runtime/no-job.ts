// What a job of a kind that no file serves any more does: end.
import type { JobFunction } from "./define.ts";

export const nothing: JobFunction = {
  summary: "Nothing",
  deadline_ms: 0,
  attempts: 1,
  subject: () => undefined,
  steps: [],
  finish: () => [],
  undo: [],
  fail: () => [],
};
