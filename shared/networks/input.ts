// The bodies that network calls take.
import { z } from "zod";
import { CloudError } from "../errors.ts";
import { parseNetblock } from "./netblock.ts";

const NAME_LENGTH = 255;

const netblock = z
  .unknown()
  .transform((given, context) => {
    try {
      parseNetblock(given);
      return given as string;
    } catch (error) {
      context.addIssue({
        code: "custom",
        message: error instanceof CloudError ? error.message : "cannot parse netblock",
      });
      return z.NEVER;
    }
  })
  .meta({ type: "string", description: "IPv4 block (CIDR)" });

export const networkInput = z.strictObject({
  netblock,
  provide_dhcp: z.boolean({ error: "provide_dhcp is not true or false" }).nullish(),
  provide_nat: z.boolean({ error: "provide_nat is not true or false" }).nullish(),
  name: z.string({ error: "name is not a string" }).max(NAME_LENGTH, { error: "name is too long" }).nullish(),
  namespace: z.string({ error: "namespace is not a string" }).nullish(),
});

export type NetworkInput = z.infer<typeof networkInput>;

/** Of calls that delete all of a namespace. */
export const deleteAllInput = z.strictObject({
  confirm: z.literal(true, { error: "parameter confirm is not set true" }),
  namespace: z.string({ error: "namespace is not a string" }).nullish(),
});

/** Lists: any truthy value counts. */
export const listInput = z.strictObject({
  all: z.unknown().optional().describe("Those that are over too: any truthy value"),
});
