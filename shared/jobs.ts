// Durable work of one node: a key under the node, found and done by its worker, whatever happens in between.
import type { Cloud } from "./cloud.ts";
import { type Change, create, type Entry, put } from "./ports/store/store.ts";

/** What the job is about; jobs of one subject run one at a time on a node. */
export interface JobSubject {
  readonly type: "instance" | "network" | "image";
  /** Of an image, the text by which it was asked for. */
  readonly uuid: string;
}

/** A job as the store keeps it. */
export interface JobRecord {
  readonly id: string;
  /** The file's path without its suffix: `instances/start`. */
  readonly kind: string;
  readonly subject: JobSubject;
  readonly created: number;
  /** When its node first took it up: its deadline counts from here; null while the node is away. */
  readonly begun: number | null;
  /** The step that is under way, or the next one; null before the first. */
  readonly step: string | null;
  readonly attempts: number;
  /** Why the job is being undone; null while it goes forward. */
  readonly failure: string | null;
  /** Changes when the same job is asked for again while it runs, so that it runs once more. */
  readonly asked: string;
}

/** What a step is handed. */
export interface JobContext<Subject> {
  readonly cloud: Cloud;
  readonly job: JobRecord;
  /** As it stood when the step began. */
  readonly subject: Entry<Subject>;
  /** Aborted when the deadline is over or the job is no longer wanted. */
  readonly signal: AbortSignal;
}

/** A named function, safe to repeat; its name, in words, is the event's operation. */
export type Step<Subject> = (context: JobContext<Subject>) => Promise<void>;

export const jobPrefix = (node: string): string => `job/${node}/`;

const jobKey = (node: string, kind: string, uuid: string): string =>
  `${jobPrefix(node)}${kind.replaceAll("/", ".")}.${encodeURIComponent(uuid)}`;

function newJob(cloud: Cloud, kind: string, subject: JobSubject): JobRecord {
  return {
    id: `${kind}.${subject.uuid}`,
    kind,
    subject,
    created: cloud.clock.now(),
    begun: null,
    step: null,
    attempts: 0,
    failure: null,
    asked: crypto.randomUUID(),
  };
}

/** A job that must not be there yet: part of the transaction that makes its subject. */
export const enqueueOnce = (cloud: Cloud, node: string, kind: string, subject: JobSubject): Change =>
  create(jobKey(node, kind, subject.uuid), newJob(cloud, kind, subject));

/** A job that is wanted now: one that waits or runs already is done again from its start. */
export const enqueue = (cloud: Cloud, node: string, kind: string, subject: JobSubject): Change =>
  put(jobKey(node, kind, subject.uuid), newJob(cloud, kind, subject));

/** Whether such a job waits or runs. */
export const isQueued = (cloud: Cloud, node: string, kind: string, uuid: string): boolean =>
  cloud.store.mirror.get(jobKey(node, kind, uuid)) !== undefined;
