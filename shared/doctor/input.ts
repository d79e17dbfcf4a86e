// What the doctor is asked.
import { z } from "zod";

const SCOPE = "scope is node or cloud";
const CHECKS = "checks is a list of the names of checks";

export const doctorInput = z.strictObject({
  scope: z.enum(["node", "cloud"], { error: SCOPE }).nullish().describe("Only checks of this scope"),
  checks: z
    .array(z.string({ error: CHECKS }).max(63, { error: CHECKS }), { error: CHECKS })
    .max(100, { error: CHECKS })
    .nullish()
    .describe("Only these, by name"),
});
