// The file by which sf-client finds its key. A file that somebody else wrote, or changed since, is never touched.
import { createHash, randomBytes } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";

export interface Credentials {
  readonly namespace: string;
  readonly key: string;
  readonly apiurl: string;
}

/** A file of ours, and the hash by which it is known again. */
export interface OwnFile {
  readonly path: string;
  readonly sha256: string;
}

export function makeKey(): string {
  return randomBytes(32).toString("base64url");
}

/** Writes the first of these paths that is free or ours: the user's own if possible, else the spare one. */
export async function writeCredentials(
  credentials: Credentials,
  paths: { readonly preferred: string; readonly spare: string },
  own: OwnFile | undefined,
): Promise<OwnFile> {
  const text = `${JSON.stringify(credentials)}\n`;
  if (own !== undefined) await removeCredentials(own);
  for (const path of [paths.preferred, paths.spare]) {
    if (await writeNew(path, text)) return { path, sha256: hashOf(text) };
  }
  throw new Error(`${paths.spare}: is in the way; remove it and run npm start again`);
}

/** What a file of ours says; undefined when it is gone or was changed. */
export async function readCredentials(own: OwnFile | undefined): Promise<Credentials | undefined> {
  if (own === undefined) return undefined;
  const text = await readFile(own.path, "utf8").catch(() => "");
  return hashOf(text) === own.sha256 ? (JSON.parse(text) as Credentials) : undefined;
}

/** Answers false when the file is no longer ours, and leaves it. */
export async function removeCredentials(own: OwnFile): Promise<boolean> {
  if ((await readCredentials(own)) === undefined) return false;
  await rm(own.path);
  return true;
}

async function writeNew(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
