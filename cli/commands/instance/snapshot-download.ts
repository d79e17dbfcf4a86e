// Fetches a disk of a snapshot into a file, which gets its name once it is whole.
import type { ApiClient } from "#shared/api/client.ts";
import type { Snapshot } from "#shared/api/types.ts";
import { argument, command, flag, optionalArgument, value } from "../../command.ts";
import { download } from "../../download.ts";
import { Refusal } from "../../errors.ts";

export default command({
  summary: "Download a disk of a snapshot",
  arguments: {
    instance: argument("uuid or name"),
    snapshot: argument("uuid of the snapshot"),
    device: optionalArgument("such as vda; needed if the snapshot has several", (text) => text, null),
  },
  options: {
    output: value("-o, --output <file>", "where to (default: SNAPSHOT-DEVICE.qcow2)"),
    resume: flag("--resume", "go on with what an earlier download left"),
  },
  examples: ["instance snapshot-download web 0b7c4a52-5bd1-4d0f-9a3e-7a3c3a1c9f10 vda -o web.qcow2"],
  async run({ api, out, args, options }) {
    const { uuid, device, size } = await find(api, args.instance, args.snapshot, args.device);
    const file = options.output ?? `${uuid}-${device}.qcow2`;
    await download({
      ...{ file, unfinished: `${file}.${uuid}-${device}.part`, size, resume: options.resume },
      open: (first) => api.openSnapshot(args.instance, uuid, device, first),
      tell: (percent) => out.progress(`${file}: ${percent} %`),
    });
    out.progress("");
    if (out.format === "json") out.json({ file, size });
    else out.line(`Downloaded ${file}`);
  },
});

async function find(api: ApiClient, instance: string, uuid: string, device: string | null) {
  const rows = (await api.listSnapshots(instance)).filter((row) => row.uuid === uuid);
  const devices = rows.map((row) => row.device).join(", ");
  if (rows.length === 0) throw new Refusal(`instance ${instance} has no snapshot ${uuid}`);
  if (device === null && rows.length > 1) throw new Refusal(`say which device: ${devices}`);
  const found = device === null ? rows[0] : rows.find((row) => row.device === device);
  if (found === undefined) throw new Refusal(`snapshot ${uuid} has no device ${device}, only ${devices}`);
  return { uuid, device: found.device, size: sizeOf(found) };
}

function sizeOf({ uuid, state, size }: Snapshot): number {
  if (state === "creating") throw new Refusal(`snapshot ${uuid} is still being made`);
  if (typeof size !== "number") throw new Refusal(`snapshot ${uuid} cannot be downloaded from this server`);
  return size;
}
