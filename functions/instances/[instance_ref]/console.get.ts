// What the guest writes to its serial console, as it writes it, for as long as somebody listens.
import { http, Streamed } from "#runtime/define.ts";
import { ALL, consoleInput } from "#shared/instances/console-input.ts";
import { consoleStream } from "#shared/instances/console-stream.ts";
import { ownerNode, theInstance } from "#shared/instances/find.ts";

export default http({
  summary: "Follow an instance's console",
  description:
    "The last `length` bytes (0 for none, -1 for all that is kept), and then all that comes. Ends when the instance is deleted or in error.",
  access: "namespace",
  input: consoleInput,
  find: theInstance,
  node: ownerNode,

  run: ({ cloud, found: { value: instance }, input }) =>
    new Streamed("text/plain; charset=utf-8", consoleStream(cloud, instance.uuid, input.length ?? ALL)),
  answer: Streamed,
});
