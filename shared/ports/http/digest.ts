// Digests of files while they are written, in one thread an algorithm, however many files there are: the event loop stays
// free, and memory bounded. A thread lives as long as it has work.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { CloudError } from "../../errors.ts";
import type { Algorithm, Digests } from "./http.ts";

const PROGRAM = fileURLToPath(new URL("digest-thread.mjs", import.meta.url));
/** Starting a thread takes longer than to hash this. */
const SMALL_BYTES = 2 ** 20;

export interface Digester {
  /** The digests of a file that may grow still; whoever asks must `close` them. */
  follow(file: string, algorithms: readonly Algorithm[]): Following;
}

export interface Following {
  /** The file holds so much for certain. */
  grown(bytes: number): void;
  /** The file is whole. Answers with its digests. */
  finish(bytes: number, options?: FinishOptions): Promise<Digests>;
  close(): void;
}

interface FinishOptions {
  progress?: ((bytes: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

type Reply = { id: number } & ({ done: number } | { digest: string } | { error: string });

interface Task {
  readonly thread: Thread;
  readonly id: number;
  readonly digest: Promise<string>;
  done: number;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, (reply: Reply) => void>;
}

export function openDigester(): Digester {
  const threads = new Map<Algorithm, Thread>();
  let last = 0;

  function threadOf(algorithm: Algorithm): Thread {
    const running = threads.get(algorithm);
    if (running !== undefined) return running;
    // No execArgv: a loader of TypeScript would cost more than the thread. It makes no garbage that needs room.
    const worker = new Worker(PROGRAM, {
      workerData: { algorithm },
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16, stackSizeMb: 1 },
    });
    const thread: Thread = { worker, waiting: new Map() };
    worker.on("message", (reply: Reply) => thread.waiting.get(reply.id)?.(reply));
    worker.on("error", (error) => {
      threads.delete(algorithm);
      for (const [id, tell] of thread.waiting) tell({ id, error: error.message });
    });
    threads.set(algorithm, thread);
    return thread;
  }

  function release(algorithm: Algorithm, { thread, id }: Task): void {
    thread.waiting.delete(id);
    thread.worker.postMessage({ id, dropped: true });
    if (thread.waiting.size > 0 || threads.get(algorithm) !== thread) return;
    threads.delete(algorithm);
    void thread.worker.terminate();
  }

  function start(algorithm: Algorithm, told: () => void): Task {
    const thread = threadOf(algorithm);
    const id = ++last;
    const { promise, resolve, reject } = withResolvers<string>();
    const task: Task = { thread, id, digest: promise, done: 0 };
    // Whoever closes early never asks for it.
    promise.catch(() => {});
    thread.waiting.set(id, (reply) => {
      if ("digest" in reply) resolve(reply.digest);
      else if ("error" in reply) reject(new CloudError("internal", `digest: ${reply.error}`));
      else {
        task.done = reply.done;
        told();
      }
    });
    return task;
  }

  return {
    follow(file, algorithms) {
      const tasks = new Map<Algorithm, Task>();
      let progress: FinishOptions["progress"];
      const tellSlowest = () => progress?.(Math.min(...[...tasks.values()].map(({ done }) => done)));

      function send(upto: number, ended: boolean): void {
        for (const algorithm of algorithms) {
          const task = tasks.get(algorithm) ?? start(algorithm, tellSlowest);
          tasks.set(algorithm, task);
          task.thread.worker.postMessage({ id: task.id, file, upto, ended });
        }
      }

      async function finish(bytes: number, options: FinishOptions = {}): Promise<Digests> {
        if (tasks.size === 0 && bytes <= SMALL_BYTES) return digestSmall(file, algorithms);
        progress = options.progress;
        send(bytes, true);
        const work = [...tasks].map(async ([algorithm, { digest }]) => [algorithm, await digest] as const);
        return Object.fromEntries(await orStopped(Promise.all(work), options.signal));
      }

      return {
        finish,
        grown(bytes) {
          if (tasks.size > 0 || bytes > SMALL_BYTES) send(bytes, false);
        },
        close() {
          for (const [algorithm, task] of tasks) release(algorithm, task);
          tasks.clear();
        },
      };
    },
  };
}

async function digestSmall(file: string, algorithms: readonly Algorithm[]): Promise<Digests> {
  if (algorithms.length === 0) return {};
  const content = await readFile(file);
  const made = algorithms.map((it) => [it, createHash(it).update(content).digest("hex")] as const);
  return Object.fromEntries(made);
}

async function orStopped<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const { promise, reject } = withResolvers<never>();
  const stop = () => reject(new CloudError("unreachable", "stopped"));
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
