// What a user writes for an image, taken apart: a URL or a short name, and the checksum that it must have. Nobody is asked.
import { CloudError } from "../errors.ts";
import { type Checksum, parseChecksum } from "./checksum.ts";
import { type Distribution, distributions, type Version } from "./distributions.ts";

export interface Wish {
  /** As it was written, without the checksum. */
  readonly name: string;
  readonly checksum?: Checksum;
  /** Undefined for a URL. */
  readonly distribution?: Distribution;
  /** Undefined where the newest one is meant. */
  readonly version?: Version;
}

const SHORTHAND = new RegExp(`^(${distributions.map(({ name }) => name).join("|")})(:(.*))?$`, "s");

/** Rejects with CloudError "malformed" for what can never be an image. */
export function parseWish(text: string): Wish {
  const [name = "", ...rest] = text.split("#");
  const fragment = rest.join("#");
  const checksum = fragment === "" ? {} : { checksum: parseChecksum(fragment) };
  const [, short, , wanted] = SHORTHAND.exec(name) ?? [];
  const distribution = distributions.find((each) => each.name === short);
  if (distribution === undefined) return { name: requireUrl(name), ...checksum };
  if (wanted === undefined) return { name, distribution, ...checksum };
  const version = distribution.parse(wanted);
  if (version === undefined) throw notUnderstood(name, distribution);
  return { name, distribution, version, ...checksum };
}

/** The one text for an image and its checksum. */
export function withChecksum(text: string, checksum: string | null | undefined): string {
  if (checksum == null || checksum === "") return text;
  const { algorithm, digest } = parseChecksum(checksum);
  if (text.includes("#"))
    throw new CloudError("malformed", `checksum: image '${text}' has one already; give it once`);
  return `${text}#${algorithm}:${digest}`;
}

function requireUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return text;
  const similar = distributions.find(({ name }) => text.startsWith(name));
  if (similar !== undefined) throw notUnderstood(text, similar);
  const names = distributions.map(({ name }) => name).join(", ");
  throw new CloudError("malformed", `image '${text}': neither an http or https URL nor one of ${names}`);
}

function notUnderstood(text: string, { name, understood }: Distribution): CloudError {
  const advice = `understood are ${name}, and ${name}: with ${understood}`;
  return new CloudError("malformed", `Cannot parse version: ${text} (${advice})`);
}
