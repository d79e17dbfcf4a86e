// Asks the checks and mends what they found. What cannot be asked is unknown, never well; what was found once is looked at
// again, since records and the world change one after the other.
import type { Diagnosis, Finding } from "../api/types.ts";
import type { Cloud } from "../cloud.ts";
import { openDeadline } from "../deadline.ts";
import { CloudError, messageOf } from "../errors.ts";
import { isNetworkNode } from "../nodes/network-node.ts";
import { presenceKey } from "../nodes/record.ts";
import { eachOf } from "../parallel.ts";
import type { Check, Found } from "./check.ts";
import { CHECKS } from "./list.ts";

const CHECK_MS = 30_000;
const FIX_MS = 60_000;
const AT_ONCE = 4;
/** Longer than what is made or taken away with a record takes to follow it. */
const LOOK_AGAIN_MS = 1500;
const MIRROR_MS = 2000;
const MOST = 500;

export interface Wish {
  scope?: "node" | "cloud" | null | undefined;
  /** By name; all of them without. */
  checks?: readonly string[] | null | undefined;
}

interface Looked {
  check: Check;
  found: Found[];
  /** Why it is not known. */
  reason: string | null;
}

/** What is wrong, check by check; changes nothing. */
export async function examine(cloud: Cloud, wish: Wish, checks = CHECKS): Promise<Diagnosis[]> {
  const looked = await lookAll(cloud, wish, checks);
  return looked.map((each) => diagnosis(each, each.found.slice(0, MOST).map(viewFound)));
}

/** One check after the other, each found once more: what one took away may be another's finding, or was in its way. */
export async function mend(cloud: Cloud, wish: Wish, checks = CHECKS): Promise<Diagnosis[]> {
  const done: Diagnosis[] = [];
  for (const first of await lookAll(cloud, wish, checks)) {
    const { check, found: known } = first;
    const looked =
      known.length === 0 ? first : await look(check, (signal) => still(cloud, check, known, signal));
    const findings: Finding[] = [];
    for (const found of looked.found.slice(0, MOST)) findings.push(await fix(cloud, check, found));
    done.push(diagnosis(looked, findings));
  }
  return done;
}

const lookAll = (cloud: Cloud, wish: Wish, checks: readonly Check[]): Promise<Looked[]> =>
  eachOf(wanted(wish, checks), AT_ONCE, (check) => look(check, (signal) => twice(cloud, check, signal)));

/** On each node what is its own, on the network node what is the cloud's. */
export async function mendRoutinely(cloud: Cloud, signal: AbortSignal, checks = CHECKS): Promise<void> {
  const mine = checks.filter(({ routine, scope }) => routine && (scope === "node" || isNetworkNode(cloud)));
  for (const { name } of mine) {
    if (signal.aborted) return;
    await mend(cloud, { checks: [name] }, checks);
  }
}

function wanted({ scope, checks: names }: Wish, checks: readonly Check[]): Check[] {
  const unknown = names?.find((name) => !checks.some((check) => check.name === name));
  if (unknown !== undefined) {
    const known = checks.map(({ name }) => name).join(", ");
    throw new CloudError("malformed", `checks: there is no check ${unknown}; there are ${known}`);
  }
  return checks.filter(
    (check) => (scope == null || check.scope === scope) && (names == null || names.includes(check.name)),
  );
}

async function look(check: Check, find: (signal: AbortSignal) => Promise<Found[]>): Promise<Looked> {
  const deadline = openDeadline(CHECK_MS);
  try {
    return { check, found: await inTime(deadline.signal, find(deadline.signal)), reason: null };
  } catch (error) {
    return { check, found: [], reason: messageOf(error) };
  } finally {
    deadline.clear();
  }
}

async function twice(cloud: Cloud, check: Check, signal: AbortSignal): Promise<Found[]> {
  if (check.reads_store) await requireStore(cloud);
  const first = await check.find(cloud, signal);
  if (first.length === 0) return first;
  await cloud.clock.sleep(LOOK_AGAIN_MS, signal);
  return still(cloud, check, first, signal);
}

/** Those of the known ones that are found again. */
async function still(
  cloud: Cloud,
  check: Check,
  known: readonly Found[],
  signal: AbortSignal,
): Promise<Found[]> {
  if (check.reads_store) await requireStore(cloud);
  const subjects = new Set(known.map(({ subject }) => subject));
  return (await check.find(cloud, signal)).filter(({ subject }) => subjects.has(subject));
}

/** Rejects unless the store answers and the mirror has what this node wrote. */
async function requireStore({ store, node }: Cloud): Promise<void> {
  const own = await store.get(presenceKey(node.name));
  const isFresh = await store.mirror.reached(own?.revision ?? 0, MIRROR_MS);
  if (!isFresh || store.mirror.stale_ms() > 0)
    throw new CloudError("unavailable", "etcd does not answer: what is recorded is not known");
}

async function fix(cloud: Cloud, { name }: Check, found: Found): Promise<Finding> {
  const finding = viewFound(found);
  if (found.fix === undefined) return finding;
  const deadline = openDeadline(FIX_MS);
  try {
    await inTime(deadline.signal, found.fix());
    tell(cloud, "mended", `${name}: ${found.subject}: ${found.problem}`);
    return { ...finding, mended: true };
  } catch (error) {
    tell(cloud, "failed", `${name}: ${found.subject}: ${messageOf(error)}`);
    return { ...finding, mended: false, failure: messageOf(error) };
  } finally {
    deadline.clear();
  }
}

function tell(cloud: Cloud, phase: "mended" | "failed", message: string): void {
  cloud.events.record("node", cloud.node.name, { operation: "doctor", phase, message });
  cloud.log.warn({ message }, `doctor: ${phase}`);
}

/** What does not end by itself is left behind: a file system that hangs must not hold up the others. */
async function inTime<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(new CloudError("unavailable", messageOf(signal.reason))), {
      once: true,
    });
  });
  late.catch(() => undefined);
  return Promise.race([work, late]);
}

const viewFound = ({ subject, problem, mend, fix }: Found): Finding => ({
  ...{ subject, problem, mend, mendable: fix !== undefined },
});

function diagnosis({ check, found, reason }: Looked, findings: Finding[]): Diagnosis {
  const { name, summary, scope } = check;
  const cut = found.length > MOST ? `${found.length} found, the first ${MOST} are shown` : null;
  const left = findings.filter(({ mended }) => mended !== true);
  const state = reason !== null ? "unknown" : left.length > 0 || cut !== null ? "found" : "ok";
  return { check: name, summary, scope, state, reason: reason ?? cut, findings };
}
