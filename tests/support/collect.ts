// The body of an answer, however it comes.
import { buffer } from "node:stream/consumers";
import type { Answer } from "../../runtime/answer.ts";

/** All of an answer's body, also of one that comes bit by bit. */
export async function collect(body: Answer["body"]): Promise<Buffer> {
  return typeof body === "function" ? buffer(body(new AbortController().signal)) : Buffer.from(body);
}
