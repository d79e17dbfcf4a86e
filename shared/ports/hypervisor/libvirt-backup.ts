// Copies of a guest's disks that QEMU writes while the guest goes on (libvirt's backup jobs, "push"), through virsh. They
// belong to QEMU and libvirt: they go on when this process or libvirtd ends, so somebody must ask what became of them.
import { setTimeout as delay } from "node:timers/promises";
import { CloudError, isKind, messageOf } from "../../errors.ts";
import type { Backup } from "./hypervisor.ts";

/** Runs virsh with these arguments and answers what it prints. */
export type AskVirsh = (args: readonly string[]) => Promise<string>;

const END_MS = 30_000;
const PAUSE_MS = 50;
const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};
const NO_JOB = /domain is not running|no job is active/;
/** Of libvirt 9.0 for ever, when a copy ended while libvirtd was not there. */
const NO_DATA = /backup job data missing/;
const STUCK = /cannot acquire state change lock/;
const NO_DOMAIN = /failed to get domain|Domain not found/;

/** virsh takes the XML from a file only: /dev/stdin cannot be opened where it is a socket, as Node's pipes are. */
export async function beginBackup(ask: AskVirsh, uuid: string, xmlFile: string): Promise<void> {
  await ask(["backup-begin", uuid, xmlFile]).catch((error: unknown) => {
    if (!STUCK.test(messageOf(error))) throw error;
    const words = "libvirt is not done with an earlier act on the guest; if that lasts, power it off and on";
    throw new CloudError("conflict", words, { cause: error });
  });
}

export async function getBackup(ask: AskVirsh, uuid: string): Promise<Backup> {
  try {
    const current = await unlessIdle(ask(["domjobinfo", uuid]));
    if (isUnderWay(current)) return { state: "running", percent: percentOf(current) };
    return outcomeOf(await unlessIdle(ask(["domjobinfo", uuid, "--completed"])));
  } catch (error) {
    const words = isKind(error, "internal") ? messageOf(error) : "";
    if (NO_DOMAIN.test(words) || NO_DATA.test(words)) return { state: "none" };
    throw error;
  }
}

/** QEMU lets go of the files a moment after it was told to end. */
export async function endBackup(ask: AskVirsh, uuid: string): Promise<void> {
  const isOver = async () => (await getBackup(ask, uuid)).state !== "running";
  const end = performance.now() + END_MS;
  for (let asked = false; !(await isOver()); asked = true) {
    if (performance.now() > end) throw new CloudError("unavailable", "libvirt: a backup does not end");
    if (!asked) await unlessIdle(ask(["domjobabort", uuid]));
    await delay(PAUSE_MS);
  }
  await goOn(ask, uuid);
}

/**
 * QEMU 7.2 stops a guest whose write it could not save to the copy first, as when there was no room; without the copy the
 * write succeeds.
 */
async function goOn(ask: AskVirsh, uuid: string): Promise<void> {
  const state = await ask(["domstate", uuid, "--reason"]).catch((error: unknown) => {
    if (isKind(error, "internal") && NO_DOMAIN.test(messageOf(error))) return "";
    throw error;
  });
  if (/^paused \(I\/O error\)/.test(state)) await ask(["resume", uuid]);
}

async function unlessIdle(asked: Promise<string>): Promise<string> {
  try {
    return await asked;
  } catch (error) {
    if (isKind(error, "internal") && NO_JOB.test(messageOf(error))) return "";
    throw error;
  }
}

const isUnderWay = (info: string): boolean =>
  field(info, "Operation") === "Backup" && /^(Bounded|Unbounded)$/.test(field(info, "Job type"));

function outcomeOf(info: string): Backup {
  if (field(info, "Operation") !== "Backup") return { state: "none" };
  if (field(info, "Job type") === "Completed") return { state: "done" };
  const reason = field(info, "Error message") || field(info, "Job type").toLowerCase() || "not told why";
  return { state: "failed", reason };
}

function percentOf(info: string): number {
  const total = bytes(field(info, "File total"));
  return total === 0 ? 0 : Math.floor((100 * bytes(field(info, "File processed"))) / total);
}

function bytes(text: string): number {
  const [number = "0", unit = "B"] = text.split(" ");
  return Number(number) * (UNITS[unit] ?? 0);
}

const field = (info: string, name: string): string =>
  new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(info)?.[1]?.trim() ?? "";
