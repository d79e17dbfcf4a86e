// From what a user writes for an image to the URL it is fetched from: a short name such as `cirros`, `ubuntu:22.04` or
// `debian:bookworm`, or an http(s) URL as it is, each with `#sha256:…` behind it where the user knows the checksum. The newest
// version is asked of the server that the image would come from, once for all nodes.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CloudError, messageOf } from "../errors.ts";
import { put } from "../ports/store/store.ts";
import type { Checksum } from "./checksum.ts";
import { type Distribution, fill, type Version } from "./distributions.ts";
import { refusal } from "./retry.ts";
import type { ImageTools } from "./tools.ts";
import { parseWish, type Wish } from "./wish.ts";
import { inWorkDirectory } from "./work-directory.ts";

export interface Source {
  /** Without a fragment. */
  readonly url: string;
  /** Whether a file of checksums beside the image must, may or need not vouch for it. */
  readonly sums: "required" | "optional" | "none";
  /** The names such a file may have, the best one first. */
  readonly sum_files?: readonly string[];
  /** What the user gave. */
  readonly checksum?: Checksum;
}

/** What an index said last, kept for all nodes: asked again when it is old, used for as long as the index does not answer. */
interface Latest extends Version {
  readonly index: string;
  readonly fetched: number;
  /** When it was last asked in vain. */
  readonly tried?: number;
}

const LATEST_VALID_S = 3600;
const TRY_AGAIN_S = 60;
const TEXT_TIMEOUT_MS = 20_000;
const TEXT_MAX_BYTES = 4 * 2 ** 20;

/** Rejects with CloudError: "malformed" for any other text, "unreachable" when the newest version cannot be learnt. */
export async function resolveSource(tools: ImageTools, text: string, signal?: AbortSignal): Promise<Source> {
  const { name, checksum, distribution, version } = parseWish(text);
  const given = checksum === undefined ? {} : { checksum };
  if (distribution === undefined) return { url: name, sums: "none", ...given };
  const { template, sums, sum_files } = distribution;
  const url = fill(tools.config[template], version ?? (await findLatest(tools, distribution, signal)));
  return { url, sums, sum_files, ...given };
}

/** As `resolveSource`, without asking an index: undefined where only that could tell, and for what is no image. */
export async function knownUrl(
  tools: Pick<ImageTools, "store" | "config">,
  text: string,
): Promise<string | undefined> {
  const wish = wishOf(text);
  if (wish?.distribution === undefined) return wish?.name;
  const { distribution } = wish;
  const version =
    wish.version ?? (await tools.store.get<Latest>(latestKey(distribution.name)))?.value ?? undefined;
  return version && fill(tools.config[distribution.template], version);
}

function wishOf(text: string): Wish | undefined {
  try {
    return parseWish(text);
  } catch {
    return undefined;
  }
}

/** Asked once however many want it. */
function findLatest(
  tools: ImageTools,
  distribution: Distribution,
  signal: AbortSignal | undefined,
): Promise<Version> {
  const waiter = { record: () => {}, signal };
  return tools.fetches.join(latestKey(distribution.name), waiter, (_record, stop) =>
    readLatest(tools, distribution, stop),
  );
}

async function readLatest(
  tools: ImageTools,
  distribution: Distribution,
  signal: AbortSignal,
): Promise<Version> {
  const template = tools.config[distribution.template];
  const index = template.slice(0, template.lastIndexOf("/", template.indexOf("%(")) + 1);
  const key = latestKey(distribution.name);
  const known = (await tools.store.get<Latest>(key))?.value;
  const usable = known?.index === index ? known : undefined;
  const now = tools.clock.now();
  if (usable !== undefined && now - usable.fetched < LATEST_VALID_S) return usable;
  if (usable?.tried !== undefined && now - usable.tried < TRY_AGAIN_S) return usable;
  try {
    const page = await fetchText(tools, index, signal);
    const newest = distribution.list(page, now).sort(byNumber).at(-1);
    if (newest === undefined)
      throw new CloudError("unreachable", `${index}: lists no version of ${distribution.name}; name one`);
    await tools.store.commit([put(key, { ...newest, index, fetched: now })]);
    return newest;
  } catch (error) {
    if (usable === undefined || signal.aborted) throw error;
    const why = messageOf(error);
    tools.log.warn({ index, error: why }, "index of images not readable, last known version used");
    await tools.store.commit([put(key, { ...usable, tried: now })]);
    return usable;
  }
}

/** A small text that stands on a server. */
export function fetchText(tools: ImageTools, url: string, signal: AbortSignal): Promise<string> {
  return inWorkDirectory(tools, async (directory) => {
    const file = join(directory, "text");
    const answer = await tools.http.download(url, file, {
      max_bytes: TEXT_MAX_BYTES,
      timeout_ms: TEXT_TIMEOUT_MS,
      idle_ms: TEXT_TIMEOUT_MS,
      signal,
    });
    if (answer.status !== 200) throw refusal(answer, url);
    return await readFile(file, "utf8");
  });
}

const latestKey = (distribution: string): string => `image_latest/${distribution}`;

function byNumber(one: Version, other: Version): number {
  return one.vernum.localeCompare(other.vernum, "en", { numeric: true });
}
