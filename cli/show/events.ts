// The columns of every list of events, and its fields in JSON.
import { localTime } from "../python.ts";

export const eventColumns = {
  timestamp: ["timestamp", localTime],
  node: "fqdn",
  operation: "operation",
  phase: "phase",
  duration: "duration",
  message: "message",
} as const;

export const eventFields = ["timestamp", "fqdn", "operation", "phase", "duration", "message"];
