// What the bodies of several calls have in common.
import { z } from "zod";

/** As the language of the old server has it: what stands for "not given" in the bodies that its clients send. */
const isEmpty = (value: unknown): boolean =>
  !value || (typeof value === "object" && Object.keys(value).length === 0);

/** A text that must be there. */
export const requiredText = (missing: string, wrong: string) =>
  z.string({ error: ({ input }) => (input === undefined ? missing : wrong) });

/** Before the schema: every empty value is none. */
export const emptyIsNone = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (isEmpty(value) ? undefined : value), schema);

const value = z
  .unknown()
  .refine((given) => !isEmpty(given), { error: "no value specified" })
  .describe("Any JSON that is not empty");

export const metadataInput = z.strictObject({
  key: emptyIsNone(requiredText("no key specified", "key is not a string")),
  value,
});
export const metadataValueInput = z.strictObject({ value });
