// Whether the parts of a cloud answer, asked from outside.
import { connect } from "node:net";
import { messageOf } from "#shared/errors.ts";

/** "healthy", "unhealthy", or why it cannot be asked. */
export async function etcdHealth(host: string): Promise<string> {
  try {
    const answer = await fetch(`http://${host}/health`, { signal: AbortSignal.timeout(3_000) });
    return (await answer.text()).includes("true") ? "healthy" : "unhealthy";
  } catch (error) {
    return messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
  }
}

/** A socket's file may be all that is left of a daemon that died. */
export function listens(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.once("connect", () => resolve(true)).once("error", () => resolve(false));
    connection.once("connect", () => connection.destroy());
  });
}

export function apiAnswers(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(2_000) })
    .then((answer) => answer.text())
    .then(
      (text) => text.includes("Shaken Fist"),
      () => false,
    );
}

export function isServed(url: string): Promise<boolean> {
  return fetch(url, { method: "HEAD", signal: AbortSignal.timeout(2_000) }).then(
    ({ ok }) => ok,
    () => false,
  );
}
