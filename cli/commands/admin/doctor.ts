// Looks for leaks and broken prerequisites on all nodes, and with --fix mends what can be mended. Exit code 1 when something is
// wrong, or is not known.
import type { ApiClient } from "#shared/api/client.ts";
import { ApiError } from "#shared/api/errors.ts";
import { command, flag, list } from "../../command.ts";
import { Refusal, UsageError } from "../../errors.ts";
import { type Examined, isWell, showExamined } from "../../show/doctor.ts";

export default command({
  summary: "Look for leaks and broken prerequisites (system only)",
  options: {
    fix: flag("--fix", "mend what can be mended; look without it first"),
    node: list("--node <node>", "only this node; may be repeated"),
    check: list("--check <name>", "only this check; may be repeated"),
  },
  examples: ["admin doctor", "admin doctor --fix --check domains --node sf-2"],
  async run({ api, out, options: { fix, node, check } }) {
    const known = await api.listNodes();
    const unknown = node.find((name) => known.every((each) => each.name !== name));
    if (unknown !== undefined) throw new UsageError(`there is no node ${unknown}`);
    const nodes = known.filter(({ name }) => node.length === 0 || node.includes(name));
    const examined: Examined[] = [];
    // What is the same on every node is asked of the first one that answers.
    let whole = true;
    for (const { name, state } of nodes) {
      const answer: Examined =
        state === "away" ? awayNode(name) : await examine(api, name, { fix, check, whole });
      whole &&= answer.checks === null;
      examined.push(answer);
    }
    showExamined(out, examined);
    if (!examined.every(isWell)) throw new Refusal("");
  },
});

const awayNode = (node: string): Examined => ({ node, reason: "is away", checks: null });

async function examine(
  api: ApiClient,
  node: string,
  { fix, check, whole }: { fix: boolean; check: readonly string[]; whole: boolean },
): Promise<Examined> {
  const wish = {
    ...(whole ? {} : { scope: "node" as const }),
    ...(check.length === 0 ? {} : { checks: check }),
  };
  try {
    const checks = await (fix ? api.mendNode(node, wish) : api.examineNode(node, wish));
    return { node, reason: null, checks };
  } catch (error) {
    // One that does not answer must not hide what is wrong with the others.
    if (!(error instanceof ApiError) || error.status < 500) throw error;
    return { node, reason: `cannot be asked: ${error.message}`, checks: null };
  }
}
