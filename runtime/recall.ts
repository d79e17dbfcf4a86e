// Answers to reads that came from the mirror alone, at once: each is right until the mirror moves on, so that it is not made
// again. Who asks is admitted all the same. Those of one revision are kept: no older one is ever right again.
import type { Caller, Cloud } from "#shared/cloud.ts";
import type { Answer } from "./answer.ts";
import type { HttpFunction } from "./define.ts";
import type { Request } from "./dispatch.ts";

const MOST = 1000;

interface Known {
  target: HttpFunction;
  namespace: string;
  revision: number;
  answer: Answer;
}

type Admit = (cloud: Cloud, target: HttpFunction, authorization?: string) => Caller | Promise<Caller>;

export interface Recall {
  /** What the request was answered before; undefined when it has to be served. Throws what `admit` throws. */
  find(cloud: Cloud, request: Request): { caller: Caller; answer: Answer } | undefined;
  /** `revision`: of the mirror, before anything was read. */
  keep(request: Request, known: Known): void;
}

export function openRecall(admit: Admit): Recall {
  const answers = new Map<string, Known>();
  let newest = 0;
  return {
    find(cloud, request) {
      const known = answers.get(request.path);
      if (known === undefined || !isRead(request)) return undefined;
      if (known.revision !== cloud.store.mirror.revision()) return undefined;
      const caller = admit(cloud, known.target, request.authorization);
      // Not known to be good at once: it is asked again, and its outcome told, when the request is served.
      if (caller instanceof Promise) caller.catch(() => undefined);
      else if (caller.namespace === known.namespace) return { caller, answer: known.answer };
      return undefined;
    },
    keep(request, known) {
      if (!isRead(request) || known.revision < newest) return;
      if (answers.size >= MOST || known.revision > newest) answers.clear();
      newest = known.revision;
      answers.set(request.path, known);
    },
  };
}

const isRead = ({ method, body, pass }: Request): boolean =>
  method === "GET" && body === "" && pass === undefined;
