// The end of what the guest wrote to its serial console.
import { z } from "zod";
import { http, PlainText } from "#runtime/define.ts";
import { readConsole } from "#shared/instances/console.ts";
import { ownerNode, theInstance } from "#shared/instances/find.ts";

const error = "length is not an integer";
const ALL = -1;
const DEFAULT_LENGTH = 10_240;

const length = z.preprocess(
  (given) =>
    typeof given === "string" && /^-?\d+$/.test(given) ? Number(given) : given === "" ? null : given,
  z.int({ error }).nullable().default(DEFAULT_LENGTH),
);

export default http({
  summary: "Read an instance's console",
  description: "The last `length` bytes; -1 for all of it.",
  access: "namespace",
  input: z.strictObject({ length }),
  find: theInstance,
  node: ownerNode,

  async run({ cloud, found: { value: instance }, input }) {
    return new PlainText(await readConsole(cloud, instance.uuid, input.length ?? ALL));
  },
  answer: PlainText,
});
