// Calls to libvirt through a child process of their own, each answered by its deadline. A child with a call that
// overran is given no more and is killed when its last call is over; the next call starts another.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { CloudError } from "../../errors.ts";

/** Reads and acts stand in lines of their own, so that no start or destroy holds up a read. */
export type Lane = "read" | "act";

export interface Calls {
  /** Rejects with "unavailable" when libvirt cannot be asked or is silent until the deadline. */
  call(lane: Lane, method: string, argument: string, deadline_ms: number): Promise<unknown>;
  close(): Promise<void>;
}

interface Call {
  readonly id: number;
  readonly lane: Lane;
  readonly method: string;
  readonly argument: string;
  child: Child | undefined;
  settle(outcome: { value: unknown } | { error: CloudError }): void;
}

interface Child {
  readonly process: ChildProcess;
  readonly calls: Map<number, Call>;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly kind?: "unavailable" | "conflict" | "internal";
  readonly message?: string;
}

const PROGRAM = fileURLToPath(new URL("libvirt-child.mjs", import.meta.url));
/** Below the five requests of one connection that libvirtd handles at a time (its max_client_requests). */
const MAX_RUNNING = 4;
const MAX_WAITING = 256;
/** More than both lanes can use, each call taking one thread. */
const CHILD_ENVIRONMENT = { LC_ALL: "C", UV_THREADPOOL_SIZE: "16" };
/** The child holds little; small heap generations keep it so. */
const CHILD_FLAGS = ["--max-semi-space-size=1", "--max-old-space-size=64"];

export function openCalls(uri: string): Calls {
  const running: Record<Lane, number> = { read: 0, act: 0 };
  const waiting: Record<Lane, Call[]> = { read: [], act: [] };
  const children = new Set<Child>();
  let current: Child | undefined;
  let lastId = 0;
  let closed = false;

  function call(lane: Lane, method: string, argument: string, deadline_ms: number): Promise<unknown> {
    if (closed) return Promise.reject(unavailable("closed"));
    if (waiting[lane].length >= MAX_WAITING) return Promise.reject(unavailable("too many calls are waiting"));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(overrun, deadline_ms);
      const made: Call = { id: ++lastId, lane, method, argument, child: undefined, settle };
      waiting[lane].push(made);
      sendNext(lane);

      function overrun(): void {
        if (made.child !== undefined) retire(made.child);
        settle({ error: unavailable(`no answer to ${method} within ${deadline_ms} ms`) });
      }
      function settle(outcome: { value: unknown } | { error: CloudError }): void {
        clearTimeout(timer);
        leave(made);
        if ("error" in outcome) reject(outcome.error);
        else resolve(outcome.value);
      }
    });
  }

  function sendNext(lane: Lane): void {
    while (running[lane] < MAX_RUNNING) {
      const next = waiting[lane].shift();
      if (next === undefined) return;
      const child = current ?? startChild();
      running[lane] += 1;
      next.child = child;
      child.calls.set(next.id, next);
      const { id, method, argument } = next;
      child.process.send({ id, lane, method, argument });
    }
  }

  /** Takes a call that is over out of its line or its child, and lets the next one go. */
  function leave(call: Call): void {
    const { child, lane } = call;
    if (child === undefined) {
      waiting[lane] = waiting[lane].filter((other) => other !== call);
      return;
    }
    child.calls.delete(call.id);
    running[lane] -= 1;
    if (child !== current && child.calls.size === 0) child.process.kill("SIGKILL");
    sendNext(lane);
  }

  function startChild(): Child {
    const child: Child = {
      process: fork(PROGRAM, [uri], {
        execArgv: CHILD_FLAGS,
        env: CHILD_ENVIRONMENT,
        stdio: ["ignore", "ignore", "inherit", "ipc"],
      }),
      calls: new Map(),
    };
    children.add(child);
    current = child;
    child.process.on("message", (answer: Answer) => child.calls.get(answer.id)?.settle(outcomeOf(answer)));
    child.process.on("error", () => end(child));
    child.process.on("exit", () => end(child));
    return child;
  }

  /** A silent child is kept for the calls it still has, but only one such: a long freeze must not gather processes. */
  function retire(child: Child): void {
    if (child !== current) return;
    current = undefined;
    for (const other of children)
      if (other !== child || other.calls.size === 0) other.process.kill("SIGKILL");
  }

  function end(child: Child): void {
    if (child === current) current = undefined;
    children.delete(child);
    child.process.kill("SIGKILL");
    for (const call of child.calls.values())
      call.settle({ error: unavailable("the process that asks it ended") });
  }

  async function close(): Promise<void> {
    closed = true;
    for (const call of [...waiting.read, ...waiting.act]) call.settle({ error: unavailable("closed") });
    await Promise.all(
      [...children].map(async (child) => {
        const gone = once(child.process, "exit");
        child.process.kill("SIGKILL");
        await gone;
      }),
    );
  }

  return { call, close };
}

function outcomeOf({ value, kind, message }: Answer): { value: unknown } | { error: CloudError } {
  return kind === undefined
    ? { value }
    : { error: new CloudError(kind, `libvirt: ${message ?? "no reason given"}`) };
}

function unavailable(fact: string): CloudError {
  return new CloudError("unavailable", `libvirt: ${fact}`);
}
