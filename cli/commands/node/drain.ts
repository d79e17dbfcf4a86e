// Keeps new instances off a node, shows what is left on it, and with --wait waits until nothing is.
import { argument, command, flag, integer, value } from "../../command.ts";
import { Refusal, UsageError } from "../../errors.ts";
import { showNodeInstances } from "../../show/node.ts";

const HOUR_S = 3600;

export default command({
  summary: "Cordon a node and show what is left on it (system only)",
  arguments: { node: argument("its name") },
  options: {
    wait: flag("--wait", "until no instance is left; none is moved, so delete them meanwhile"),
    timeout: value("--timeout <seconds>", `how long to wait at most (default ${HOUR_S})`),
  },
  examples: ["node drain sf-2 --wait --timeout 600"],
  async run({ api, out, args: { node }, options }) {
    const timeout_s = options.timeout === null ? HOUR_S : integer(options.timeout);
    if (timeout_s < 0) throw new UsageError("--timeout is a number of seconds from 0");
    let left = await api.drainNode(node);
    if (options.wait && left.length > 0) left = await api.awaitDrained(node, timeout_s * 1000);
    const isOverdue = options.wait && left.length > 0;
    if (!isOverdue || out.format !== "json") showNodeInstances(out, left);
    if (isOverdue) throw new Refusal(`node ${node}: after ${timeout_s} s, instances left: ${left.length}`);
  },
});
