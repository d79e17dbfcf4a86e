// Power changes and reboots as libvirt tells them, through one `virsh event` process that is started again for as long as it ends.
// Its connection is also how the return of a libvirtd that was away or frozen is noticed.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import type { Clock } from "../../clock.ts";
import type { Log } from "../../log.ts";
import type { Domain, PowerState } from "./hypervisor.ts";
import { VIRSH_ENVIRONMENT, wordsOf } from "./virsh.ts";

export interface EventStream {
  /** A caller was told "unavailable": libvirt is asked anew, and its answer is a return. */
  suspect(): void;
  close(): Promise<void>;
}

interface EventStreamOptions {
  uri: string;
  clock: Clock;
  log: Log;
  onPower(domain: Domain): void;
  onReboot(uuid: string): void;
  onReturn(): void;
}

const RETRY_MS = 500;
/** How long one process may wait for libvirtd's greeting; a frozen one greets it at the moment it thaws. */
const CONNECT_MS = 30_000;
/** How long after its connection a virsh that does not log as expected is taken to have asked for the events. */
const REGISTER_MS = 1_000;
const SOCKETS = ["/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock"];
const READY = "ready";
/** virsh never says that events flow, but its log shows libvirtd's answer to procedure 316, "register for events". */
const LOGGING = { LIBVIRT_LOG_FILTERS: "2:rpc.netclient", LIBVIRT_LOG_OUTPUTS: "2:stderr" };
const REGISTERED = /MSG_RX: .*prog=536903814 vers=1 proc=316 type=1 status=0/;
/** `setpriv` lets no virsh outlive a node process that was killed; -k and -K notice a frozen libvirtd in 20 s. */
const PROGRAM = ["setpriv", "--pdeathsig", "KILL", "virsh", "-k", "5", "-K", "3"] as const;

export function openEventStream(options: EventStreamOptions): EventStream {
  const { uri, clock, log } = options;
  const stopping = new AbortController();
  let current: ChildProcess | undefined;
  let connected = false;
  let missed = false;
  const ended = keepWatching();

  async function keepWatching(): Promise<void> {
    while (!stopping.signal.aborted) {
      if ((await isReachable(uri)) && !stopping.signal.aborted) await watchOnce();
      missed = true;
      await clock.sleep(RETRY_MS, stopping.signal).catch(() => {});
    }
  }

  /** Lives as long as one virsh does. */
  async function watchOnce(): Promise<void> {
    const virsh = startVirsh(uri);
    current = virsh;
    const gone = once(virsh, "close").catch((error: unknown) =>
      log.error({ err: error }, "virsh: does not start"),
    );
    let timer = setTimeout(() => virsh.kill("SIGKILL"), CONNECT_MS);
    const words: string[] = [];
    createInterface(virsh.stderr).on("line", (line) => {
      if (REGISTERED.test(line)) greet();
      else if (line.startsWith("error: ") && words.length < 5) words.push(line);
    });
    createInterface(virsh.stdout).on("line", (line) => {
      const domain = parsePowerEvent(line);
      const rebooted = parseReboot(line);
      if (domain !== undefined) options.onPower(domain);
      else if (rebooted !== undefined) options.onReboot(rebooted);
      else if (line === READY && !connected) {
        clearTimeout(timer);
        timer = setTimeout(greet, REGISTER_MS);
      }
    });
    await gone;
    clearTimeout(timer);
    current = undefined;
    connected = false;
    if (!stopping.signal.aborted)
      log.warn({ reason: wordsOf(words.join("\n")) }, "libvirt: the event stream ended");

    function greet(): void {
      clearTimeout(timer);
      if (virsh.killed || connected) return;
      connected = true;
      if (!missed) return;
      missed = false;
      log.info({}, "libvirt: answers again");
      options.onReturn();
    }
  }

  return {
    suspect() {
      missed = true;
      if (connected) current?.kill("SIGKILL");
      connected = false;
    },
    async close() {
      stopping.abort();
      current?.kill("SIGKILL");
      await ended;
    },
  };
}

function startVirsh(uri: string) {
  const [command, ...args] = PROGRAM;
  return spawn(command, [...args, "-c", uri, `echo ${READY}; event --all --loop`], {
    env: { ...VIRSH_ENVIRONMENT, ...LOGGING },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Whether anything listens at libvirt's usual sockets: a thousand times cheaper than a virsh that finds out. */
async function isReachable(uri: string): Promise<boolean> {
  if (uri !== "qemu:///system") return true;
  for (const path of SOCKETS) if (await listens(path)) return true;
  return false;
}

function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** virsh listens to one kind of event or to all: what is not of use here is left lying. */
const LINE = /event 'lifecycle' for domain 'sf:([0-9a-f-]{36})': (\w+) ?(.*)$/;

const REBOOT = /event 'reboot' for domain 'sf:([0-9a-f-]{36})'$/;

/** The domain that a line of `virsh event` tells to have started anew. */
export const parseReboot = (line: string): string | undefined => REBOOT.exec(line)?.[1];

/** The power change that a line of `virsh event` tells of. "Shutdown" is not yet "off": "Stopped" follows it. */
export function parsePowerEvent(line: string): Domain | undefined {
  const [, uuid, event, detail] = LINE.exec(line) ?? [];
  const power = event === undefined ? undefined : powerAfter(event, detail ?? "");
  return uuid === undefined || power === undefined ? undefined : { uuid, power };
}

function powerAfter(event: string, detail: string): PowerState | undefined {
  switch (event) {
    case "Started":
    case "Resumed":
      return "on";
    case "Suspended":
    case "PMSuspended":
      return "paused";
    case "Stopped":
      return detail === "Crashed" || detail === "Failed" ? "crashed" : "off";
    case "Crashed":
      return "crashed";
    default:
      return undefined;
  }
}
