// How the test cluster's commands are written, and their arguments read.
import { parseArgs } from "node:util";
import type { ClusterOptions } from "./plan.ts";

export const usage = `npm run cluster -- <command>: a test cluster on this machine

  up --nodes N [--etcd 1|3] [--mtu 1550] [--underlay 10.66.0.0/24] [--set NAME=value]…
                          bring up 1 to 5 nodes: sf-1 (the network node), sf-2 …, and etcd-1 …
                          --set: a setting of all nodes, as in docs/configuration.md
  status                  hosts, what is in them, and who is cut off
  exec <host> <command…>  run a program inside a host
  kill <host>             a power loss: its guests go with it
  stop <host>             a clean shutdown
  start <host>            boot it again with its old disk, or start what has ended in it
  partition <a> <b>       nothing passes between two hosts any more
  heal                    all pass again
  down                    end and remove all of it
`;

/** An argument that cannot be taken: the usage is shown with it. */
export class UsageError extends Error {}

export function readUpOptions(args: readonly string[]): ClusterOptions {
  const { nodes, etcd, mtu, underlay, set = [] } = parseUpArgs(args);
  if (nodes === undefined) throw new UsageError("up: say how many: --nodes N");
  return {
    nodes: Number(nodes),
    ...(etcd === undefined ? {} : { etcd: Number(etcd) }),
    ...(mtu === undefined ? {} : { mtu: Number(mtu) }),
    ...(underlay === undefined ? {} : { underlay }),
    settings: Object.fromEntries(set.map(readSetting)),
  };
}

function parseUpArgs(args: readonly string[]) {
  const text = { type: "string" } as const;
  const options = {
    nodes: text,
    etcd: text,
    mtu: text,
    underlay: text,
    set: { ...text, multiple: true },
  } as const;
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false }).values;
  } catch (error) {
    const [fact = ""] = String(error instanceof Error ? error.message : error).split(". ");
    throw new UsageError(`up: ${fact}`);
  }
}

function readSetting(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError(`up: --set ${text}: write it as NAME=value`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** The arguments of a command that takes these and no others. */
export function readArguments(command: string, names: readonly string[], args: readonly string[]): string[] {
  if (args.length === names.length) return [...args];
  const wanted = names.length === 0 ? "takes no arguments" : `takes ${names.join(" ")}`;
  throw new UsageError(`${command}: ${wanted}`);
}

/** `exec <host> <command…>`, also with `--` between them. */
export function readExecArguments(args: readonly string[]): { host: string; argv: string[] } {
  const [host, ...rest] = args;
  const argv = rest[0] === "--" ? rest.slice(1) : rest;
  if (host === undefined || argv.length === 0) throw new UsageError("exec: takes <host> <command…>");
  return { host, argv };
}
