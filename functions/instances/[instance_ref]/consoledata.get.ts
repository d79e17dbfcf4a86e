// The end of what the guest wrote to its serial console.
import { buffer } from "node:stream/consumers";
import { http, PlainText, Streamed } from "#runtime/define.ts";
import { readConsole } from "#shared/instances/console.ts";
import { ALL, consoleInput } from "#shared/instances/console-input.ts";
import { ownerNode, theInstance } from "#shared/instances/find.ts";

const MOST_AT_ONCE = 1024 * 1024;

export default http({
  summary: "Read an instance's console",
  description: "The last `length` bytes; -1 for all that is kept.",
  access: "namespace",
  input: consoleInput,
  find: theInstance,
  node: ownerNode,

  async run({ cloud, found: { value: instance }, input }) {
    const length = input.length || ALL;
    const read = () => readConsole(cloud, instance.uuid, length);
    if (length < 0 || length > MOST_AT_ONCE) return new Streamed("text/plain; charset=utf-8", read);
    return new PlainText(await buffer(read()));
  },
  answer: PlainText,
});
