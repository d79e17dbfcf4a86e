// How much of a console is asked for.
import { z } from "zod";

const error = "length is not an integer";
const DEFAULT_LENGTH = 10_240;

/** All that is kept. */
export const ALL = -1;

/** Also as digits in a string; null and "" are all. */
export const consoleInput = z.strictObject({
  length: z.preprocess(
    (given) =>
      typeof given === "string" && /^-?\d+$/.test(given) ? Number(given) : given === "" ? null : given,
    z.int({ error }).nullable().default(DEFAULT_LENGTH),
  ),
});
