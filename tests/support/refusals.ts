// Requests that must be refused and leave nothing behind.
import { strict as assert } from "node:assert";
import type { As, FakeCloud } from "./fake-cloud.ts";

/** Refused with this status and these words, and not a key in the store is new or changed. */
export async function refuses(
  f: FakeCloud,
  request: [method: string, path: string, body?: unknown, as?: As],
  status: number,
  words: string | RegExp,
): Promise<void> {
  if (request[3] !== null) await f.authorization(request[3] ?? "system");
  await f.idle();
  const before = f.everything();
  const answer = await f.ask(...request);
  const { error } = answer.body as { error: string };
  assert.equal(answer.status, status, answer.text);
  if (typeof words === "string") assert.equal(error, words);
  else assert.match(error, words);
  assert.deepEqual(f.everything(), before);
}
