// Waiting for what other programs are: they tell only when asked, so they are asked until it is so or the time is over.
import { setTimeout as delay } from "node:timers/promises";

export interface Patience {
  readonly withinMs: number;
  /** What the error says when the time is over, or it is hopeless. */
  readonly explain: () => string | Promise<string>;
  readonly isHopeless?: () => boolean;
  readonly signal?: AbortSignal | undefined;
  readonly everyMs?: number;
}

export async function until(isSo: () => Promise<boolean> | boolean, patience: Patience): Promise<void> {
  const { withinMs, explain, isHopeless = () => false, signal, everyMs = 100 } = patience;
  const end = performance.now() + withinMs;
  while (!(await isSo())) {
    if (isHopeless() || performance.now() > end) throw new Error(await explain());
    await delay(everyMs, undefined, signal === undefined ? {} : { signal });
  }
}
