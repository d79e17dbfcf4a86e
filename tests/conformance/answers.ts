// The answers of the API in short: rows say what they get with these.
import type { Expected } from "./row.ts";
import { type Shape, text, uuid } from "./shape.ts";

const JSON_TYPE = "application/json";

export const json = (shape: Shape): Expected => ({ status: 200, type: JSON_TYPE, json: shape });
export const nothing: Expected = json(null);
export const plain = (words: string | RegExp): Expected => ({
  status: 200,
  type: "text/plain; charset=utf-8",
  text: words,
});

/** `{error, status, request_id}`, the id being that of the header. */
export function refused(status: number, words: string | RegExp): Expected {
  const error = typeof words === "string" ? words : text(words);
  const headers: Record<string, string | RegExp> =
    status === 429 || status === 503 ? { "retry-after": /^\d+$/ } : {};
  return {
    status,
    type: JSON_TYPE,
    json: { error, status, request_id: uuid },
    headers,
    refusal: `${status} ${typeof words === "string" ? words : words.source}`,
  };
}

/** An error whose `error` is an object. */
export const refusedWith = (status: number, error: Shape, refusal: string): Expected => ({
  status,
  type: JSON_TYPE,
  json: { error, status, request_id: uuid },
  refusal: `${status} ${refusal}`,
});

export const unknownPath: Expected = {
  status: 404,
  type: "text/html; charset=utf-8",
  text: /^<!doctype html>.*404 Not Found/s,
};
export const wrongMethod: Expected = {
  status: 405,
  type: JSON_TYPE,
  json: { message: "The method is not allowed for the requested URL." },
};
