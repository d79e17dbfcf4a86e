// The durable work of this node. A job is a key under the node; the mirror tells of new ones, at start as later.
//
// Jobs of one subject run one after the other, a preempting one (delete) first: it aborts what runs. As each step
// begins the worker writes down which one it is; steps are safe to repeat, so a crash at any line resumes at that step.
// The last step's effect on the record and the end of the job are one transaction. When a step has failed for good, or the
// deadline is over, the job is written down as failed, its undo steps run, and `fail` ends it: with a reason, always.
// So many jobs run at once; steps that only wait for something far away (`waits`) do not count.
// "Unavailable" (libvirt or the store away) is no failure: it is waited out until the deadline.
import type { Cloud, NewEvent } from "#shared/cloud.ts";
import { openDeadline } from "#shared/deadline.ts";
import { isKind, messageOf } from "#shared/errors.ts";
import { type JobContext, type JobRecord, jobPrefix, type Step } from "#shared/jobs.ts";
import { type Entry, remove, replace } from "#shared/ports/store/store.ts";
import { transact } from "#shared/ports/store/transact.ts";
import { openPlace, openSlots, type Place } from "#shared/slots.ts";
import type { JobFunction } from "./define.ts";
import { type Failpoint, parseFailpoint } from "./failpoint.ts";
import { jobWords, lateReason, reasonOf, wordsOf } from "./job-words.ts";
import { nothing } from "./no-job.ts";
import type { Named } from "./scan.ts";

/** Of preempting jobs, and of all others: a delete does not wait for images that come slowly. */
const SUBJECTS_AT_ONCE = 16;
const UNDO_DEADLINE_MS = 120_000;
const LONGEST_PAUSE_MS = 1000;

export interface Worker {
  /** Stops at the next step; what is unfinished resumes at the next start. */
  close(): Promise<void>;
}

/** The job was taken away or asked for anew while it ran: whoever did that goes on with it. */
class Superseded extends Error {}

interface Run {
  readonly key: string;
  readonly asked: string;
  readonly definition: JobFunction;
  readonly stop: AbortController;
  readonly place: Place;
}

export function openWorker(cloud: Cloud, jobs: readonly Named<JobFunction>[]): Worker {
  const kinds = new Map(jobs.map(({ name, definition }) => [name, definition]));
  const failpoint = parseFailpoint(cloud.config.FAILPOINT);
  const prefix = jobPrefix(cloud.node.name);
  const running = new Map<string, Run>();
  const preempting = openSlots(SUBJECTS_AT_ONCE);
  const others = openSlots(SUBJECTS_AT_ONCE);
  const busy = new Set<Promise<void>>();
  let closed = false;

  function next(subject: string): Entry<JobRecord> | undefined {
    const mine = cloud.store.mirror
      .list<JobRecord>(prefix)
      .filter(({ value }) => value.subject.uuid === subject);
    const rank = ({ value }: Entry<JobRecord>) => (kinds.get(value.kind)?.preempts ? 0 : value.created);
    return mine.sort((a, b) => rank(a) - rank(b))[0];
  }

  function wake(subject: string): void {
    if (closed) return;
    const run = running.get(subject);
    if (run === undefined) {
      const work = serve(subject).finally(() => busy.delete(work));
      busy.add(work);
      return;
    }
    const first = next(subject);
    if (first === undefined || first.key !== run.key || first.value.asked !== run.asked)
      run.stop.abort(new Superseded());
  }

  async function serve(subject: string): Promise<void> {
    for (let entry = next(subject); entry !== undefined && !closed; entry = next(subject)) {
      const definition = kinds.get(entry.value.kind);
      const run = {
        key: entry.key,
        asked: entry.value.asked,
        definition: definition ?? nothing,
        stop: new AbortController(),
        place: openPlace(definition?.preempts === true ? preempting : others),
      };
      running.set(subject, run);
      if (!(await hasRoom(run))) continue;
      await perform(cloud, run, failpoint, () => closed).catch((error: unknown) => {
        cloud.log.error({ err: error, job: run.key }, "job ended unexpectedly");
        return cloud.clock.sleep(LONGEST_PAUSE_MS);
      });
      run.place.leave();
    }
    running.delete(subject);
  }

  const unwatch = cloud.store.mirror.watch(prefix, ({ before, after }) => {
    const job = (after ?? before)?.value as JobRecord;
    wake(job.subject.uuid);
  });
  for (const { value } of cloud.store.mirror.list<JobRecord>(prefix)) wake(value.subject.uuid);

  return {
    async close() {
      closed = true;
      unwatch();
      for (const run of running.values()) run.stop.abort(new Superseded());
      await Promise.allSettled(busy);
    },
  };
}

/** False for a job that was taken away while it stood in line. */
const hasRoom = ({ place, stop }: Run): Promise<boolean> =>
  place.enter(stop.signal).then(
    () => true,
    () => false,
  );

async function perform(cloud: Cloud, run: Run, failpoint: Failpoint, isClosed: () => boolean): Promise<void> {
  try {
    const { value: job } = current(cloud, run);
    note(cloud, job, { operation: jobWords(job.kind), phase: "dequeued", message: `Work item ${job.id}` });
    if (job.failure === null) await forward(cloud, run, failpoint);
    else await backward(cloud, run, job.failure, failpoint);
  } catch (error) {
    if (error instanceof Superseded) return;
    if (isClosed()) return;
    throw error;
  }
}

async function forward(cloud: Cloud, run: Run, failpoint: Failpoint): Promise<void> {
  const { definition } = run;
  const { begun, step } = await begin(cloud, run);
  const left_ms = Math.max(0, Math.round(definition.deadline_ms - (cloud.clock.now() - begun) * 1000));
  const late = openDeadline(left_ms);
  const signal = AbortSignal.any([late.signal, run.stop.signal]);
  const resumeAt = Math.max(
    0,
    definition.steps.findIndex(({ name }) => name === step),
  );
  try {
    for (const each of definition.steps.slice(resumeAt)) {
      if (!(await doStep(cloud, run, each, signal, failpoint))) return await drop(cloud, run);
    }
    await end(cloud, run, signal, (context) => definition.finish(context));
  } catch (error) {
    if (error instanceof Superseded || run.stop.signal.aborted) throw new Superseded();
    const reason = late.signal.aborted ? lateReason(definition, error) : reasonOf(error);
    await write(cloud, run, { failure: reason, step: null, attempts: 0 });
    await backward(cloud, run, reason, failpoint);
  } finally {
    late.clear();
  }
}

/** What waited for a node that was away has all its time; what takes the process down each time has not. */
async function begin(cloud: Cloud, run: Run): Promise<{ begun: number; step: string | null }> {
  const { begun, step } = current(cloud, run).value;
  if (begun !== null) return { begun, step };
  const fresh = { begun: cloud.clock.now(), step: step ?? run.definition.steps[0]?.name ?? null };
  await write(cloud, run, fresh);
  return fresh;
}

async function backward(cloud: Cloud, run: Run, reason: string, failpoint: Failpoint): Promise<void> {
  const late = openDeadline(UNDO_DEADLINE_MS);
  const signal = AbortSignal.any([late.signal, run.stop.signal]);
  const stuck: string[] = [];
  for (const each of run.definition.undo) {
    try {
      if (!(await doStep(cloud, run, each, signal, failpoint))) return await drop(cloud, run);
    } catch (error) {
      if (error instanceof Superseded || run.stop.signal.aborted) throw new Superseded();
      stuck.push(`${wordsOf(each.name)}: ${messageOf(error)}`);
    }
  }
  const whole = stuck.length === 0 ? reason : `${reason}; cleaning up failed too: ${stuck.join("; ")}`;
  late.clear();
  await end(cloud, run, signal, (context) => run.definition.fail(context, whole, stuck.length === 0));
}

/** Runs one step until it succeeds; false when the job's subject is not wanted any more. */
async function doStep(
  cloud: Cloud,
  run: Run,
  step: Step<unknown>,
  signal: AbortSignal,
  failpoint: Failpoint,
): Promise<boolean> {
  const before = current(cloud, run).value;
  const isNew = before.step !== step.name;
  let attempts = isNew ? 0 : before.attempts;
  // Beside the step: a crash before it is written down repeats the step before this one, which is safe too.
  const noted = isNew ? write(cloud, run, { step: step.name, attempts }) : Promise.resolve();
  noted.catch(() => {});
  for (let pause_ms = 100; ; pause_ms = Math.min(pause_ms * 2, LONGEST_PAUSE_MS)) {
    const context = contextOf(cloud, run, signal);
    if (context === undefined) return false;
    try {
      signal.throwIfAborted();
      await timed(cloud, context.job, step.name, () =>
        failpoint.around(context.job.kind, step.name, () =>
          run.definition.waits?.includes(step) === true
            ? run.place.aside(() => step(context), signal)
            : step(context),
        ),
      );
      await noted;
      return true;
    } catch (error) {
      await noted;
      if (signal.aborted) throw error;
      if (!isKind(error, "unavailable")) {
        attempts += 1;
        if (isPermanent(error) || attempts >= run.definition.attempts) throw error;
        await write(cloud, run, { attempts });
      }
      cloud.log.warn({ job: run.key, step: step.name, err: error }, "step failed, trying again");
      await cloud.clock.sleep(pause_ms, signal).catch(() => {
        throw error;
      });
    }
  }
}

/** What was wrong with the request will be wrong the next time too. */
const isPermanent = (error: unknown): boolean =>
  isKind(error, "malformed", "forbidden", "not_found", "too_large", "insufficient");

function contextOf(cloud: Cloud, run: Run, signal: AbortSignal): JobContext<unknown> | undefined {
  const { value: job } = current(cloud, run);
  const subject = run.definition.subject(cloud, job);
  return subject === undefined ? undefined : { cloud, job, subject, signal };
}

/** The job's key as it stands, as long as it is still the one that was begun. */
function current(cloud: Cloud, run: Run): Entry<JobRecord> {
  const entry = cloud.store.mirror.get<JobRecord>(run.key);
  if (entry === undefined || entry.value.asked !== run.asked) throw new Superseded();
  return entry;
}

const write = (cloud: Cloud, run: Run, patch: Partial<JobRecord>): Promise<void> =>
  persist(cloud, run, () =>
    transact(cloud.store, () => {
      const entry = current(cloud, run);
      return [[replace(entry, { ...entry.value, ...patch })], undefined];
    }),
  );

const drop = (cloud: Cloud, run: Run): Promise<void> =>
  persist(cloud, run, () => transact(cloud.store, () => [[remove(current(cloud, run))], undefined]));

async function end(
  cloud: Cloud,
  run: Run,
  signal: AbortSignal,
  changes: (context: JobContext<unknown>) => ReturnType<JobFunction["finish"]>,
): Promise<void> {
  const { value: job } = current(cloud, run);
  await persist(cloud, run, () =>
    transact(cloud.store, () => {
      const context = contextOf(cloud, run, signal);
      return [[...(context === undefined ? [] : changes(context)), remove(current(cloud, run))], undefined];
    }),
  );
  note(cloud, job, { operation: "tasks complete", phase: "dequeued", message: `Work item ${job.id}` });
}

/** What the worker writes of a job has to be written: while the store is away it is tried again, the job waits. */
async function persist(cloud: Cloud, run: Run, work: () => Promise<void>): Promise<void> {
  for (let pause_ms = 100; ; pause_ms = Math.min(pause_ms * 2, LONGEST_PAUSE_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!isKind(error, "unavailable")) throw error;
      await cloud.clock.sleep(pause_ms, run.stop.signal);
    }
  }
}

async function timed(cloud: Cloud, job: JobRecord, step: string, work: () => Promise<void>): Promise<void> {
  const operation = wordsOf(step);
  const started = cloud.clock.now();
  note(cloud, job, { operation, phase: "start" });
  await work();
  note(cloud, job, { operation, phase: "finish", duration: cloud.clock.now() - started });
}

const note = (cloud: Cloud, { subject }: JobRecord, event: NewEvent): void =>
  cloud.events.record(subject.type, subject.uuid, event);
