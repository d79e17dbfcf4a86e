// What a file must hash to, as a user or the publisher of an image says. A publisher's word is a file of sums that stands
// beside the image, in the form of GNU's or of BSD's programs.
import { CloudError, isKind } from "../errors.ts";
import type { Algorithm } from "../ports/http/http.ts";
import type { Downloaded } from "./download.ts";
import type { Progress } from "./progress.ts";
import { type Patience, retry } from "./retry.ts";
import { fetchText, type Source } from "./source.ts";
import type { ImageTools } from "./tools.ts";

export interface Checksum {
  readonly algorithm: Algorithm;
  /** Hexadecimal, lower case. */
  readonly digest: string;
}

/** A checksum and where it stands. */
interface Published extends Checksum {
  readonly name: string;
}

export interface RequireSumOptions {
  signal: AbortSignal;
  progress?: Progress;
  patience?: Patience;
}

const digits: Readonly<Record<Algorithm, number>> = { md5: 32, sha256: 64, sha512: 128 };
const SUM_FILES = ["SHA256SUMS", "SHA512SUMS", "MD5SUMS"];

/** From `<algorithm>:<hex>`. Rejects anything else with CloudError "malformed". */
export function parseChecksum(text: string): Checksum {
  const [, name = "", hex = ""] = /^([a-z0-9]+):([0-9a-f]+)$/i.exec(text.trim()) ?? [];
  const algorithm = name.toLowerCase();
  if (!isAlgorithm(algorithm))
    throw new CloudError(
      "malformed",
      `checksum '${text}': must be sha256:<hex>, sha512:<hex> or md5:<hex>, in hexadecimal digits`,
    );
  if (hex.length !== digits[algorithm])
    throw new CloudError(
      "malformed",
      `checksum '${text}': ${algorithm} has ${digits[algorithm]} hexadecimal digits, not ${hex.length}`,
    );
  return { algorithm, digest: hex.toLowerCase() };
}

/**
 * Compares the file with what the user gave and with what the publisher says. Rejects with CloudError "malformed" a file
 * that differs; "unreachable" when a sum must be published and cannot be had. Answers with what was found to be right.
 */
export async function requireSum(
  tools: ImageTools,
  source: Source,
  downloaded: Downloaded,
  options: RequireSumOptions,
): Promise<Checksum[]> {
  const { checksum } = source;
  options.progress?.("verify", 0, downloaded.bytes);
  if (checksum !== undefined)
    await compare(tools, downloaded, checksum, "the checksum that was given is", options);
  const published = await publishedSum(tools, source, options);
  if (published !== undefined) await compare(tools, downloaded, published, `${published.name} has`, options);
  options.progress?.("verify", downloaded.bytes, downloaded.bytes);
  return [checksum, published].filter((it) => it !== undefined);
}

/** The best checksum that stands beside the image; undefined where there is none and need not be. */
export async function publishedSum(
  tools: ImageTools,
  source: Source,
  options: Omit<RequireSumOptions, "progress">,
): Promise<Published | undefined> {
  if (source.sums === "none") return undefined;
  const names = source.sum_files ?? SUM_FILES;
  try {
    for (const name of names) {
      const found = await sumIn(tools, source.url, name, options);
      if (found !== undefined) return found;
    }
    const { pathname } = new URL(source.url);
    throw new CloudError(
      "unreachable",
      `no checksum of ${pathname.split("/").at(-1)} in ${names.join(", ")}`,
    );
  } catch (error) {
    if (source.sums === "optional" && isKind(error, "unreachable") && !options.signal.aborted)
      return undefined;
    throw error;
  }
}

/** Undefined where the server does not have the file of sums, or it does not have the image. */
async function sumIn(
  tools: ImageTools,
  url: string,
  name: string,
  { signal, patience }: Omit<RequireSumOptions, "progress">,
): Promise<Published | undefined> {
  const algorithm = name.replace(/SUMS?$/i, "").toLowerCase();
  if (!isAlgorithm(algorithm)) throw new CloudError("internal", `${name}: of no known algorithm`);
  const until = tools.clock.now() + tools.config.IMAGE_TIMEOUT;
  const retrying = { clock: tools.clock, signal, until, ...(patience === undefined ? {} : { patience }) };
  const text = await retry(() => fetchText(tools, new URL(name, url).href, signal), retrying).catch(
    (error: unknown) => {
      const isMissing = error instanceof CloudError && [404, 410].includes(Number(error.detail.status));
      if (!isMissing) throw error;
    },
  );
  const digest = text && findSum(text, algorithm, fileOf(url));
  return digest ? { name, algorithm, digest } : undefined;
}

function findSum(text: string, algorithm: Algorithm, names: readonly string[]): string | undefined {
  const hex = `[0-9a-f]{${digits[algorithm]}}`;
  const gnu = new RegExp(`^\\\\?(?<digest>${hex})\\s+\\*?(?:\\./)?(?<name>.+?)\\s*$`, "i");
  const bsd = new RegExp(`^${algorithm} \\((?:\\./)?(?<name>.+)\\) = (?<digest>${hex})\\s*$`, "i");
  for (const line of text.split("\n")) {
    const { name, digest } = (gnu.exec(line) ?? bsd.exec(line))?.groups ?? {};
    if (name !== undefined && names.includes(name)) return digest?.toLowerCase();
  }
  return undefined;
}

/** As the URL writes it, and as it may be called on the disk. */
function fileOf(url: string): string[] {
  const name = new URL(url).pathname.split("/").at(-1) ?? "";
  try {
    return [name, decodeURIComponent(name)];
  } catch {
    return [name];
  }
}

async function compare(
  tools: ImageTools,
  downloaded: Downloaded,
  { algorithm, digest }: Checksum,
  whose: string,
  { signal, progress }: RequireSumOptions,
): Promise<void> {
  const made =
    downloaded.digests[algorithm] ??
    (await digestOf(tools, downloaded.file, algorithm, { signal, progress }));
  if (made === digest) return;
  throw new CloudError("malformed", `its ${algorithm.toUpperCase()} is ${made}, but ${whose} ${digest}`);
}

async function digestOf(
  { http }: ImageTools,
  file: string,
  algorithm: Algorithm,
  { signal, progress }: { signal: AbortSignal; progress: Progress | undefined },
): Promise<string> {
  const made = await http.digest(file, [algorithm], {
    progress: (done, total) => progress?.("verify", done, total),
    signal,
  });
  return made[algorithm] ?? "";
}

const isAlgorithm = (text: string): text is Algorithm => Object.hasOwn(digits, text);
