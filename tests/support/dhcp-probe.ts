// A guest without a machine: a namespace with one cable on a network's bridge and a MAC address of its choice.
// Asks for a lease as a guest would. Use only in a sandbox.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunOptions, RunResult } from "#shared/ports/exec/exec.ts";
import { realExec } from "#shared/ports/exec/real.ts";

export interface Lease {
  address: string;
  mask: string;
  router: string;
  dns: string;
  domain: string;
  mtu: number;
  hostname: string;
}

export interface ProbeGuest {
  /** The namespace that stands for the guest. */
  readonly namespace: string;
  /** One exchange with the DHCP server; undefined when nobody answers in `attempts` seconds. */
  lease(attempts?: number): Promise<Lease | undefined>;
  /** Takes the address and the route without asking anybody. */
  configure(address: string, router: string): Promise<void>;
  run(program: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;
  close(): Promise<void>;
}

const SCRIPT = '#!/bin/sh\n[ "$1" = bound ] && env\nexit 0\n';
let counter = 0;

/** `tap`: the name of the cable's end on the bridge, to be taken for that of a real guest. */
export async function openGuest(
  bridge: string,
  macaddr: string,
  { mtu = 1450, tap }: { mtu?: number; tap?: string } = {},
): Promise<ProbeGuest> {
  const id = `guest-${++counter}`;
  const directory = await mkdtemp("/tmp/sf-probe-");
  const script = join(directory, "script");
  await writeFile(script, SCRIPT, { mode: 0o755 });
  await realExec.run("ip", ["netns", "add", id]);
  const outer = tap ?? `tap-${id}`.slice(0, 15);
  await realExec.run("ip", ["-batch", "-"], {
    input: [
      `link add ${outer} mtu ${mtu} type veth peer name eth0 mtu ${mtu} address ${macaddr} netns ${id}`,
      `link set ${outer} master ${bridge} up`,
      "",
    ].join("\n"),
  });
  await realExec.run("ip", ["-netns", id, "-batch", "-"], { input: "link set lo up\nlink set eth0 up\n" });
  const run = (program: string, args: readonly string[], options: RunOptions = {}) =>
    realExec.run(program, args, { ...options, namespace: id });

  return {
    namespace: id,
    run,
    async lease(attempts = 3) {
      const args = [
        "udhcpc",
        "-i",
        "eth0",
        "-n",
        "-q",
        "-f",
        "-t",
        String(attempts),
        "-T",
        "1",
        "-s",
        script,
      ];
      const options = ["router", "dns", "domain", "mtu", "subnet", "hostname"].flatMap((name) => [
        "-O",
        name,
      ]);
      const { stdout } = await run("busybox", [...args, ...options], {
        accept: [0, 1],
        timeout_ms: (attempts + 5) * 1000,
      });
      return parseLease(stdout);
    },
    async configure(address, router) {
      const [, prefix] = address.split("/");
      if (prefix === undefined) throw new Error("an address with its prefix is needed");
      const lines = [`address replace ${address} dev eth0`, `route replace default via ${router}`, ""];
      await realExec.run("ip", ["-netns", id, "-batch", "-"], { input: lines.join("\n") });
    },
    async close() {
      await realExec.run("ip", ["link", "delete", outer], { accept: [0, 1] });
      await realExec.run("ip", ["netns", "delete", id]);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function parseLease(environment: string): Lease | undefined {
  const values = new Map(
    environment.split("\n").map((line) => {
      const [name = "", ...rest] = line.split("=");
      return [name, rest.join("=")] as const;
    }),
  );
  const value = (name: string) => values.get(name) ?? "";
  if (!values.has("ip")) return undefined;
  return {
    address: value("ip"),
    mask: value("subnet"),
    router: value("router"),
    dns: value("dns"),
    domain: value("domain"),
    mtu: Number(value("mtu")),
    hostname: value("hostname"),
  };
}
