// Holds answers against what their functions declare.
import { strict as assert } from "node:assert";
import type { ZodType } from "zod";
import { PlainText, Streamed } from "../../runtime/define.ts";
import type { Route } from "../../runtime/scan.ts";

/** What is answered has the form that the function declares: the API's description is made of it. */
export function requireDeclared(
  { method, path, definition: { answer } }: Route,
  type: string,
  text: string,
): void {
  const what = `${method} ${path}: has another answer than its \`answer\``;
  if (answer === PlainText) assert.match(type, /^text\/plain/, what);
  else if (answer === Streamed) return;
  else if (answer === undefined) assert.equal(text, "null\n", what);
  else assert.equal((answer as ZodType).safeParse(JSON.parse(text)).error, undefined, what);
}
