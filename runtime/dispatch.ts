// How a request is served: the phases of a function, always in this order, each declared as data by its file:
//
//   access → input → find → node → lock → run → view
//
// Access comes first so that a stranger learns nothing; find checks ownership before a request may go to another node;
// the lock is taken by the node that runs. A function's own code is `run` alone. No socket is needed to call this.
import type { Caller, Cloud } from "#shared/cloud.ts";
import { isSystem } from "#shared/cloud.ts";
import { CloudError } from "#shared/errors.ts";
import { callerOf } from "#shared/namespaces/tokens.ts";
import { type Answer, empty, failure, success, unknownPath, wrongMethod } from "./answer.ts";
import type { HttpFunction } from "./define.ts";
import { acceptPass, type Forward, handed, openForward } from "./forward.ts";
import { readInput } from "./input.ts";
import { openPages } from "./pages.ts";
import { openRecall, type Recall } from "./recall.ts";
import { openRouter, type Router } from "./router.ts";
import type { Table } from "./scan.ts";
import { endTrace, openTrace, type Trace } from "./trace.ts";

export interface Request {
  method: string;
  /** Without the query, not decoded. */
  path: string;
  /** The Authorization header, if there is one. */
  authorization?: string | undefined;
  /** What another node shows that hands the request on. */
  pass?: string | undefined;
  /** The Range header, if there is one. */
  range?: string | undefined;
  body: string;
  id: string;
}

export type Dispatch = (cloud: Cloud, request: Request) => Promise<Answer>;

const LOCK_WAIT_MS = 20_000;

type Render = (target: HttpFunction, result: unknown) => Answer;

export function openDispatch(table: Table, forward: Forward = openForward()): Dispatch {
  const route = openRouter(
    [...table.routes, ...openPages(table)].map(({ method, path, definition }) => ({
      ...{ method, path },
      target: definition,
    })),
  );
  const parts = { route, render: openRender(), forward, recall: openRecall(admit) };
  return async function dispatch(cloud, request) {
    const trace = openTrace(request);
    try {
      const answer = recalled(cloud, parts, request, trace) ?? (await serve(cloud, parts, request, trace));
      return endTrace(cloud, trace, withAge(cloud, answer));
    } catch (error) {
      const answer = failure(error, trace.request_id, cloud.config.INCLUDE_TRACEBACKS);
      return endTrace(cloud, trace, withAge(cloud, answer), error);
    }
  };
}

/** What is frozen looks the same for as long as it is there: it becomes bytes once. */
function openRender(): Render {
  const rendered = new WeakMap<object, Map<HttpFunction, Answer>>();
  return function render(target, result) {
    if (!isLasting(result)) return shown(target, result);
    const answers = rendered.get(result) ?? new Map<HttpFunction, Answer>();
    const answer = answers.get(target) ?? shown(target, result);
    rendered.set(result, answers.set(target, answer));
    return answer;
  };
}

/** It came from the mirror. */
const isLasting = (result: unknown): result is object =>
  typeof result === "object" && result !== null && Object.isFrozen(result);

const shown = (target: HttpFunction, result: unknown): Answer =>
  success(target.view === undefined ? result : target.view(result));

/**
 * What is there already is not waited for, as in most reads: a timer for each would cost more than they do. A request that
 * takes longer than API_TIMEOUT is answered; what it began goes on.
 */
function inTime<T>(cloud: Cloud, trace: Trace, value: T | Promise<T>): T | Promise<T> {
  return value instanceof Promise ? beforeTimeout(cloud, trace, value) : value;
}

async function beforeTimeout<T>(cloud: Cloud, trace: Trace, waiting: Promise<T>): Promise<T> {
  const seconds = cloud.config.API_TIMEOUT;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const words = `request: not done after ${seconds} s`;
    const left_ms = trace.started + seconds * 1000 - performance.now();
    timer = setTimeout(() => reject(new CloudError("unavailable", words)), left_ms);
  });
  try {
    return await Promise.race([waiting, late]);
  } finally {
    clearTimeout(timer);
  }
}

interface Parts {
  route: Router<HttpFunction>;
  render: Render;
  forward: Forward;
  recall: Recall;
}

function recalled(cloud: Cloud, { recall }: Parts, request: Request, trace: Trace): Answer | undefined {
  const known = recall.find(cloud, request);
  if (known !== undefined) trace.caller = known.caller;
  return known?.answer;
}

async function serve(
  cloud: Cloud,
  { route, render, forward, recall }: Parts,
  request: Request,
  trace: Trace,
): Promise<Answer> {
  const revision = cloud.store.mirror.revision();
  const matched = await route(request.method, request.path);
  if (matched === undefined) return unknownPath();
  if (matched === "wrong method") return /^(HEAD|OPTIONS)$/.test(request.method) ? empty() : wrongMethod();
  const { target, params } = matched;
  const pass =
    request.pass === undefined ? undefined : await inTime(cloud, trace, acceptPass(cloud, request));
  if (pass !== undefined) trace.request_id = pass.request_id;
  const caller = pass?.caller ?? (await inTime(cloud, trace, admit(cloud, target, request.authorization)));
  trace.caller = caller;
  const input = readInput(target.input, request.body);
  const found = await inTime(cloud, trace, target.find?.({ cloud, caller, params }));
  const node = target.node?.(found, cloud) ?? cloud.node.name;
  if (node !== cloud.node.name) {
    if (pass === undefined) return inTime(cloud, trace, forward(cloud, node, request, caller));
    throw new CloudError("unavailable", `node ${cloud.node.name}: the object is on ${node} now`);
  }
  const given = { cloud, caller, params, input, found, range: request.range };
  const running =
    target.lock === undefined
      ? target.run(given)
      : underLock(cloud, target.lock(found), request, async () => target.run(given));
  const result = await inTime(cloud, trace, running);
  const answer = render(target, result);
  if (isLasting(result)) recall.keep(request, { target, namespace: caller.namespace, revision, answer });
  return pass === undefined ? answer : handed(cloud, answer);
}

const nobody: Caller = { namespace: "" };

function admit(cloud: Cloud, target: HttpFunction, authorization?: string): Caller | Promise<Caller> {
  if (target.access === "anyone") return nobody;
  const caller = callerOf(cloud, authorization);
  if (target.access !== "system") return caller;
  return caller instanceof Promise ? caller.then(requireSystem) : requireSystem(caller);
}

function requireSystem(caller: Caller): Caller {
  if (!isSystem(caller)) throw new CloudError("unauthenticated", "unauthorized");
  return caller;
}

async function underLock<T>(
  cloud: Cloud,
  name: string,
  request: Request,
  work: () => Promise<T>,
): Promise<T> {
  const options = { wait_ms: LOCK_WAIT_MS, operation: `${request.method} ${request.path}` };
  const asked = cloud.clock.now();
  const lock = await cloud.store.lock(name, options);
  const waited_s = cloud.clock.now() - asked;
  if (waited_s > cloud.config.SLOW_LOCK_THRESHOLD)
    cloud.log.warn({ lock: name, waited_s }, "lock was slow to get");
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

/** While the store is away, answers come from memory; they say how old that is. */
function withAge(cloud: Cloud, answer: Answer): Answer {
  const stale = cloud.store.mirror.stale_ms();
  if (stale < 1000) return answer;
  return { ...answer, headers: { ...answer.headers, Age: String(Math.floor(stale / 1000)) } };
}
