// Makes an instance, waits until it is created or has failed, and shows it.
import { argument, command, integer, list, value } from "../../command.ts";
import { Refusal } from "../../errors.ts";
import { base64OfFile, textOfFile } from "../../files.ts";
import { showInstance } from "../../show/instance.ts";
import {
  diskFromShort,
  diskFromSpec,
  memoryFrom,
  nicFromShort,
  nicFromSpec,
  videoFromSpec,
} from "../../specs.ts";

export default command({
  summary: "Create an instance",
  arguments: {
    name: argument("a name, usable as a host name"),
    cpus: argument("virtual CPUs", integer),
    memory: argument("memory in MB, or with a unit: 512M, 2G", memoryFrom),
  },
  options: {
    disk: list("-d, --disk <size[@base]>", "a disk in GB, and the image on it; may be repeated"),
    diskspec: list(
      "-D, --diskspec <spec>",
      "a disk as size=8,base=ubuntu,bus=ide,type=cdrom; may be repeated",
    ),
    network: list("-n, --network <network[@address]>", "an interface on this network; may be repeated"),
    networkspec: list(
      "-N, --networkspec <spec>",
      "an interface as network_uuid=…,address=…,macaddress=…,model=…; may be repeated",
    ),
    sshkey: value("-i, --sshkey <file>", "public ssh key to put in"),
    sshkeydata: value("-I, --sshkeydata <text>", "the same as text; wins over -i"),
    userdata: value("-u, --userdata <file>", "user data for cloud-init"),
    encodeduserdata: value("-U, --encodeduserdata <text>", "the same as base64; wins over -u"),
    placement: value("-p, --placement <node>", "run on this node"),
    videospec: value("-V, --videospec <spec>", "video card as model=cirrus,memory=16384"),
    namespace: value("--namespace <namespace>", "whose it will be (system only)"),
  },
  examples: [
    "instance create web 1 1024 -d 8@ubuntu:20.04 -n mynet -i ~/.ssh/id_rsa.pub",
    "instance create db 4 8G -D size=40,base=debian:10,bus=scsi -n mynet@10.0.0.7",
  ],
  async run({ api, out, args, options }) {
    const disk = [...options.disk.map(diskFromShort), ...options.diskspec.map(diskFromSpec)];
    if (disk.length === 0) throw new Refusal("You must specify at least one disk");
    const { memory, guessed } = args.memory;
    if (guessed && out.format !== "json") {
      out.warn(`memory is in MB; ${memory / 1024} is taken as GB.`);
      out.warn(`Write ${memory}, or ${memory / 1024}G; or ${memory / 1024}M if so little is meant.`);
    }
    const created = await api.createInstance({
      name: args.name,
      cpus: args.cpus,
      memory,
      disk,
      network: [...options.network.map(nicFromShort), ...options.networkspec.map(nicFromSpec)],
      ssh_key: options.sshkeydata ?? textOfFile(options.sshkey),
      user_data: options.encodeduserdata ?? base64OfFile(options.userdata),
      video: videoFromSpec(options.videospec),
      namespace: options.namespace,
      ...(options.placement === null ? {} : { placed_on: options.placement }),
    });
    const instance = await api.awaitCreated(created);
    if (instance.state !== "created") {
      out.warn(
        `instance ${instance.uuid} is in state ${instance.state}: ${instance.error_message ?? "still under way"}`,
      );
    }
    await showInstance(api, out, instance);
  },
});
