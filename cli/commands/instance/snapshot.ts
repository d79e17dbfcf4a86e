// Takes a snapshot of an instance's first disk, or of all, and waits until its files are there.
import type { ApiClient } from "#shared/api/client.ts";
import { argument, bool, command, flag, optionalArgument } from "../../command.ts";
import { Refusal } from "../../errors.ts";

export default command({
  summary: "Snapshot an instance's disks",
  arguments: {
    instance: argument("uuid or name"),
    all: optionalArgument("true for --all (old form)", bool, false),
  },
  options: { all: flag("-a, --all", "every disk, not only the first") },
  async run({ api, out, args, options }) {
    const uuid = await api.snapshotInstance(args.instance, args.all || options.all, false);
    const tell = (percent: number) => out.progress(`snapshot ${uuid}: ${percent} %`);
    if (!(await api.awaitSnapshot(args.instance, uuid, tell))) throw await refusal(api, args.instance, uuid);
    out.progress("");
    if (out.format === "json") out.json({ uuid });
    else out.line(`Created snapshot ${uuid}`);
  },
});

async function refusal(api: ApiClient, instance: string, uuid: string): Promise<Refusal> {
  const events = await api.listEvents("instances", instance);
  const told = events.find(({ phase, message }) => phase === "failed" && message?.startsWith(`${uuid}: `));
  return new Refusal(told?.message?.slice(uuid.length + 2) ?? `snapshot ${uuid} was deleted meanwhile`);
}
