// From what a user writes for an image to the URL it is fetched from: `cirros`, `ubuntu`, `cirros:0.5.1`, `ubuntu:18.04`,
// `ubuntu:bionic`, or an http(s) URL as it is. The newest version is asked of the server that the image would come from.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CloudError, isKind, messageOf } from "../errors.ts";
import { put } from "../ports/store/store.ts";
import type { ImageTools } from "./tools.ts";
import { inWorkDirectory } from "./work-directory.ts";

/** `sums`: whether an MD5SUMS file beside the image must, may or need not vouch for it. */
export interface Source {
  readonly url: string;
  readonly sums: "required" | "optional" | "none";
}

interface Version {
  readonly vernum: string;
  readonly vername: string;
}

interface Distribution {
  readonly name: string;
  readonly template: "DOWNLOAD_URL_CIRROS" | "DOWNLOAD_URL_UBUNTU";
  readonly sums: Source["sums"];
  /** The version that the text after the colon means. */
  parse(text: string): Version | undefined;
  /** All versions on an index page that are out by now. */
  list(page: string, now: number): Version[];
}

/** What an index said last, kept for all nodes: asked again when it is old, used for as long as the index does not answer. */
interface Latest extends Version {
  readonly index: string;
  readonly fetched: number;
}

const SHORTHAND = /^(cirros|ubuntu)(:(.*))?$/;
const LATEST_VALID_S = 3600;
const TEXT_TIMEOUT_MS = 20_000;
const TEXT_MAX_BYTES = 4 * 2 ** 20;

const ubuntuVersions: readonly Version[] = [
  { vernum: "14.04", vername: "trusty" },
  { vernum: "16.04", vername: "xenial" },
  { vernum: "18.04", vername: "bionic" },
  { vernum: "20.04", vername: "focal" },
  { vernum: "20.10", vername: "groovy" },
  { vernum: "21.04", vername: "hirsute" },
  { vernum: "21.10", vername: "impish" },
  { vernum: "22.04", vername: "jammy" },
  { vernum: "22.10", vername: "kinetic" },
  { vernum: "23.04", vername: "lunar" },
  { vernum: "23.10", vername: "mantic" },
  { vernum: "24.04", vername: "noble" },
  { vernum: "24.10", vername: "oracular" },
  { vernum: "25.04", vername: "plucky" },
  { vernum: "25.10", vername: "questing" },
];

const cirros: Distribution = {
  name: "cirros",
  template: "DOWNLOAD_URL_CIRROS",
  sums: "optional",
  parse: (text) => (/^\d+(\.\d+)*(-[0-9a-z]+)?$/.test(text) ? { vernum: text, vername: text } : undefined),
  list: (page) =>
    [...page.matchAll(/href="(\d+(?:\.\d+)+)\/?"/g)].map(([, vernum = ""]) => ({ vernum, vername: vernum })),
};

const ubuntu: Distribution = {
  name: "ubuntu",
  template: "DOWNLOAD_URL_UBUNTU",
  sums: "required",
  parse(text) {
    const known = ubuntuVersions.find(({ vernum, vername }) => text === vernum || text === vername);
    return known ?? (/^[a-z]+$/.test(text) ? { vernum: text, vername: text } : undefined);
  },
  list: (page, now) =>
    [...page.matchAll(/href="([a-z]+)\/?".{0,300}Ubuntu Server (\d\d\.\d\d)(?:\.\d+)? LTS/g)]
      .map(([, vername = "", vernum = ""]) => ({ vernum, vername }))
      .filter(({ vernum }) => isReleased(vernum, now)),
};

/** Rejects with CloudError: "malformed" for any other text, "unreachable" when the newest version cannot be learnt. */
export async function resolveSource(tools: ImageTools, text: string, signal?: AbortSignal): Promise<Source> {
  const [, name, , wanted] = SHORTHAND.exec(text) ?? [];
  if (name === undefined) return { url: requireUrl(text), sums: "none" };
  const distribution = name === "cirros" ? cirros : ubuntu;
  const version =
    wanted === undefined ? await findLatest(tools, distribution, signal) : distribution.parse(wanted);
  if (version === undefined) throw new CloudError("malformed", `Cannot parse version: ${text}`);
  const url = fill(tools.config[distribution.template], version);
  return { url, sums: distribution.sums };
}

/** As `resolveSource`, without asking an index: undefined where only that could tell. */
export async function knownUrl(
  tools: Pick<ImageTools, "store" | "config">,
  text: string,
): Promise<string | undefined> {
  const [, name, , wanted] = SHORTHAND.exec(text) ?? [];
  if (name === undefined) return text;
  const { template, parse } = name === "cirros" ? cirros : ubuntu;
  const version =
    wanted === undefined ? (await tools.store.get<Latest>(latestKey(name)))?.value : parse(wanted);
  return version && fill(tools.config[template], version);
}

/** The MD5 that the server's MD5SUMS has for the image; undefined where it has none and need not. */
export async function publishedSum(
  tools: ImageTools,
  source: Source,
  signal?: AbortSignal,
): Promise<string | undefined> {
  if (source.sums === "none") return undefined;
  const name = new URL(source.url).pathname.split("/").at(-1) ?? "";
  const sums = new URL("MD5SUMS", source.url).href;
  try {
    const lines = (await fetchText(tools, sums, signal)).split("\n");
    const found = lines
      .map((line) => /^([0-9a-f]{32})\s+\*?(\S+)\s*$/.exec(line))
      .find((it) => it?.[2] === name);
    if (found?.[1] !== undefined) return found[1];
    throw new CloudError("unreachable", `${sums}: has no checksum of ${name}`);
  } catch (error) {
    if (source.sums === "optional" && isKind(error, "unreachable") && signal?.aborted !== true)
      return undefined;
    throw error;
  }
}

function requireUrl(text: string): string {
  if (/^(cirros|ubuntu)/.test(text)) throw new CloudError("malformed", `Cannot parse version: ${text}`);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:")
    throw new CloudError("malformed", `image '${text}': neither an http or https URL nor cirros or ubuntu`);
  return text;
}

async function findLatest(
  tools: ImageTools,
  distribution: Distribution,
  signal: AbortSignal | undefined,
): Promise<Version> {
  const template = tools.config[distribution.template];
  const index = template.slice(0, template.lastIndexOf("/", template.indexOf("%(")) + 1);
  const key = latestKey(distribution.name);
  const known = (await tools.store.get<Latest>(key))?.value;
  const usable = known?.index === index ? known : undefined;
  if (usable !== undefined && tools.clock.now() - usable.fetched < LATEST_VALID_S) return usable;
  try {
    const page = await fetchText(tools, index, signal);
    const newest = distribution.list(page, tools.clock.now()).sort(byNumber).at(-1);
    if (newest === undefined)
      throw new CloudError("unreachable", `${index}: lists no version of ${distribution.name}; name one`);
    await tools.store.commit([put(key, { ...newest, index, fetched: tools.clock.now() })]);
    return newest;
  } catch (error) {
    if (usable === undefined || signal?.aborted === true) throw error;
    tools.log.warn(
      { index, error: messageOf(error) },
      "index of images not readable, last known version used",
    );
    return usable;
  }
}

function fetchText(tools: ImageTools, url: string, signal: AbortSignal | undefined): Promise<string> {
  return inWorkDirectory(tools, async (directory) => {
    const file = join(directory, "text");
    const { status } = await tools.http.download(url, file, {
      max_bytes: TEXT_MAX_BYTES,
      timeout_ms: TEXT_TIMEOUT_MS,
      idle_ms: TEXT_TIMEOUT_MS,
      ...(signal === undefined ? {} : { signal }),
    });
    if (status !== 200) throw new CloudError("unreachable", `${url}: the server answered ${status}`);
    return await readFile(file, "utf8");
  });
}

const latestKey = (distribution: string): string => `image_latest/${distribution}`;

const fill = (template: string, { vernum, vername }: Version): string =>
  template.replaceAll("%(vernum)s", vernum).replaceAll("%(vername)s", vername);

function byNumber(one: Version, other: Version): number {
  return one.vernum.localeCompare(other.vernum, "en", { numeric: true });
}

/** Ubuntu's numbers are year and month: out for certain when the month is over. */
function isReleased(vernum: string, now: number): boolean {
  const [year, month] = vernum.split(".").map(Number);
  return Date.UTC(2000 + (year ?? 0), month ?? 0) / 1000 <= now;
}
