// Asks a server again that failed in a way that passes: a few times, with growing pauses, told to whoever waits.
import type { Clock } from "../clock.ts";
import { CloudError, messageOf } from "../errors.ts";
import { type HttpResponse, isLasting } from "../ports/http/http.ts";

export interface Patience {
  /** Before the second try, the third, and so on: so many tries there are. */
  pauses_ms: readonly number[];
  /** A server that asks for a longer pause than this is not waited for so long. */
  longest_pause_ms: number;
}

export const PATIENCE: Patience = { pauses_ms: [1_000, 4_000, 10_000], longest_pause_ms: 60_000 };

export interface Retrying {
  clock: Clock;
  signal: AbortSignal;
  /** s since 1970: no pause goes beyond it. */
  until: number;
  patience?: Patience;
  /** Why it failed, and in how many ms it will be tried again. */
  told?: (why: string, pause_ms: number) => void;
}

/** `goOn` hears of each error that passes; it answers whether there was progress, and then counts anew. */
export async function retry<T>(
  work: () => Promise<T>,
  { clock, signal, until, patience = PATIENCE, told }: Retrying,
  goOn: (error: unknown) => boolean = () => false,
): Promise<T> {
  let tries = 0;
  for (let failed = 0; ; ) {
    try {
      tries++;
      return await work();
    } catch (error) {
      if (signal.aborted || isLasting(error) || !(error instanceof CloudError)) throw error;
      failed = goOn(error) ? 1 : failed + 1;
      const planned = patience.pauses_ms[failed - 1];
      const pause_ms = Math.max(planned ?? 0, askedPause(error, clock, patience));
      if (planned === undefined || clock.now() + pause_ms / 1000 >= until) throw spent(error, tries);
      told?.(messageOf(error), pause_ms);
      await clock.sleep(pause_ms, signal).catch(() => {
        throw new CloudError(error.kind, `${error.message}; stopped`, { cause: error });
      });
    }
  }
}

/** The error for an answer that is neither what was asked for nor a reason to give up. */
export function refusal({ status, headers }: HttpResponse, subject = ""): CloudError {
  const lasting = status < 500 && ![408, 425, 429].includes(status);
  return new CloudError("unreachable", `${subject && `${subject}: `}the server answered ${status}`, {
    detail: { status, retry_after: headers["retry-after"], ...(lasting ? { lasting } : {}) },
  });
}

function askedPause(error: CloudError, clock: Clock, { longest_pause_ms }: Patience): number {
  const { retry_after } = error.detail;
  if (typeof retry_after !== "string") return 0;
  const ms = /^\d+$/.test(retry_after)
    ? Number(retry_after) * 1000
    : Date.parse(retry_after) - clock.now() * 1000;
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), longest_pause_ms);
}

function spent(error: CloudError, tries: number): CloudError {
  if (tries === 1) return error;
  const words = `${error.message} (tried ${tries} times)`;
  return new CloudError(error.kind, words, { cause: error, detail: { ...error.detail } });
}
