// Ends work when its time is over. Not AbortSignal.timeout: Node 20 takes one that is only part of an AbortSignal.any for
// garbage, and then it never comes.

export interface Deadline {
  readonly signal: AbortSignal;
  /** It will not come any more. Keeps no process alive until then either. */
  clear(): void;
}

/** No time at all is over at once. */
export function openDeadline(ms: number): Deadline {
  const over = new AbortController();
  const end = () => over.abort(new DOMException(`not done within ${ms} ms`, "TimeoutError"));
  if (ms <= 0) end();
  const timer = setTimeout(end, ms).unref();
  return { signal: over.signal, clear: () => clearTimeout(timer) };
}
