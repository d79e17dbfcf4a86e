// Says how far a fetch has come: in a key that all nodes see and that goes with this node's life, at most once a second, and
// in a few events for the history of whoever waits.
import { messageOf } from "../errors.ts";
import { discard, type Lease, put } from "../ports/store/store.ts";
import { hideUrlSecrets } from "../urls.ts";
import type { Phase, Progress } from "./progress.ts";
import { type FetchRecord, fetchKey, imageRef } from "./record.ts";
import type { ImageTools, Recorder } from "./tools.ts";

const LEASE_S = 10;
const EVERY_S = 1;
const MIB = 2 ** 20;
/** An event for each such part of a phase, if the phase is large enough for people to wait for it. */
const PARTS = 4;
const WORTH_TELLING = 64 * MIB;

type Tools = Pick<ImageTools, "store" | "clock" | "log" | "node">;

export interface ToldProgress {
  readonly progress: Progress;
  /** The fetch is over: nothing is shown of it any more. */
  close(): Promise<void>;
}

export async function tellProgress(tools: Tools, url: string, record: Recorder): Promise<ToldProgress> {
  const { store, clock, node } = tools;
  const ref = imageRef(url);
  const key = fetchKey(node.name, ref);
  const started = clock.now();
  const lease = await store.lease(LEASE_S);
  const shown = { url: hideUrlSecrets(url), ref, node: node.name, started };
  let told: { phase: Phase; at: number; part: number } | undefined;
  let isWriting = false;
  let writing = show({ ...shown, phase: "download", done: 0, total: null });

  async function show(value: FetchRecord): Promise<void> {
    isWriting = true;
    try {
      if (!lease.lost.aborted) await store.commit([put(key, value, lease)]);
    } catch (error) {
      tools.log.debug({ key, error: messageOf(error) }, "the progress of a fetch is not shown");
    }
    isWriting = false;
  }

  function progress(phase: Phase, done: number, total: number | null): void {
    const now = clock.now();
    const isNew = told?.phase !== phase;
    const part = partOf(done, total);
    if (!isNew && told !== undefined && part > told.part && part < PARTS) record(inWords(phase, done, total));
    const isDue = isNew || told === undefined || now - told.at >= EVERY_S;
    const at = isDue && !isWriting ? now : (told?.at ?? now);
    told = { phase, at, part: isNew ? part : Math.max(part, told?.part ?? 0) };
    if (isDue && !isWriting) writing = show({ ...shown, phase, done, total });
  }

  return {
    progress,
    async close() {
      await writing;
      await store.commit([discard(key)]).catch(() => undefined);
      await end(lease);
    },
  };
}

/** What cannot be released now goes by itself. */
const end = (lease: Lease): Promise<void> => lease.release().catch(() => undefined);

const partOf = (done: number, total: number | null): number =>
  total === null || total < WORTH_TELLING ? 0 : Math.floor((done / total) * PARTS);

function inWords(phase: Phase, done: number, total: number | null) {
  const of = `${Math.floor(done / MIB)} of ${Math.ceil((total ?? done) / MIB)} MiB`;
  return { operation: "fetch image", phase: "progress", message: `${phase}: ${of}` };
}
