// Asks one row of a node and compares the answer.

import { type As, type Context, fill, type Row, usualPath } from "./row.ts";
import { differences } from "./shape.ts";
import type { Answer, Asked, Wire } from "./wire.ts";

export interface Tester {
  wire: Wire;
  context: Context;
  /** Of each namespace, the value of the Authorization header. */
  tokens: Record<string, string>;
}

export const methodAndPath = (row: Row): [method: string, path: string] => {
  const [method = "", path = ""] = (row.ask ?? usualPath(row.of ?? "")).split(" ");
  return [method, path];
};

/** Every way in which the answer is not as the row says. */
export async function check(tester: Tester, row: Row): Promise<string[]> {
  const answer = await tester.wire.ask(asked(tester, row));
  const { status, type, headers = {} } = fill(row.gets, tester.context);
  const wrong = [
    ...(answer.status === status ? [] : [`status ${answer.status} is not ${status}`]),
    ...(answer.headers["content-type"] === type
      ? []
      : [`content type ${answer.headers["content-type"]} is not ${type}`]),
    ...Object.entries(headers).flatMap(([name, wanted]) => differsFrom(name, answer.headers[name], wanted)),
    ...(row.ask?.startsWith("HEAD ") ? [] : wrongInBody(tester, row, answer)),
  ];
  if (wrong.length === 0) keep(tester.context, row, answer);
  return wrong.length === 0 ? [] : [...wrong, `answer: ${answer.status} ${answer.body.slice(0, 500)}`];
}

function asked({ context, tokens }: Tester, row: Row): Asked {
  const [method, path] = methodAndPath(row);
  const authorization = authorizationOf(tokens, row.as === undefined ? "a" : row.as);
  const body = bodyOf(row.body, context);
  return {
    method,
    path: fill(path, context),
    headers: {
      ...(authorization === undefined ? {} : { Authorization: fill(authorization, context) }),
      ...fill(row.headers ?? {}, context),
    },
    ...(body === undefined ? {} : { body }),
  };
}

function authorizationOf(tokens: Record<string, string>, as: As): string | undefined {
  if (as === null) return undefined;
  return typeof as === "string" ? tokens[as] : as.raw;
}

export function bodyOf(body: unknown, context: Context): string | Buffer | undefined {
  if (body === undefined || Buffer.isBuffer(body)) return body;
  if (typeof body === "function") return bodyOf(body(context), context);
  return typeof body === "string" ? fill(body, context) : JSON.stringify(fill(body, context));
}

function differsFrom(name: string, value: unknown, wanted: string | RegExp): string[] {
  const fits = typeof wanted === "string" ? value === wanted : wanted.test(String(value));
  return fits ? [] : [`header ${name}: ${value} is not ${wanted}`];
}

function wrongInBody({ context }: Tester, row: Row, { body, headers }: Answer): string[] {
  const { json, text } = fill(row.gets, context);
  if (text !== undefined) {
    const fits = typeof text === "string" ? body === text : text.test(body);
    return fits ? [] : [`text ${JSON.stringify(body.slice(0, 200))} is not ${text}`];
  }
  if (!body.endsWith("\n")) return ["the answer does not end with a newline"];
  const given: unknown = JSON.parse(body);
  const id = (given as { request_id?: string } | null)?.request_id;
  const other = id !== undefined && headers["x-request-id"] !== id;
  return [...(other ? ["request_id is not that of the header"] : []), ...differences(given, json)];
}

function keep(context: Context, row: Row, { body }: Answer): void {
  for (const [name, field] of Object.entries(row.keep ?? {})) {
    const given = JSON.parse(body);
    const value = field === "" ? given : field.split(".").reduce((part, key) => part[key], given);
    context[name] = String(value);
  }
}
