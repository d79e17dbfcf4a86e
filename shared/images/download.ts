// Brings an image from its server to a file, whole, and hashed if the user gave a checksum. A broken transfer goes on where it broke, as long as
// the server has the same thing; when it cannot be brought, no file is left.
import { rm } from "node:fs/promises";
import { CloudError } from "../errors.ts";
import {
  type Algorithm,
  type Digests,
  type Download,
  type ResumePoint,
  resumePoint,
} from "../ports/http/http.ts";
import { conditionOf } from "./freshness.ts";
import type { Progress } from "./progress.ts";
import type { ImageRecord } from "./record.ts";
import { type Patience, refusal, retry } from "./retry.ts";
import type { Source } from "./source.ts";
import { type ImageTools, maxBytes, type Recorder } from "./tools.ts";

/** When a server is given up. */
export interface Limits {
  /** The longest silence. */
  idle_ms: number;
  slowest: { bytes: number; in_ms: number };
  patience?: Patience;
}

const LIMITS: Limits = { idle_ms: 30_000, slowest: { bytes: 60 * 2 ** 10, in_ms: 60_000 } };
/** After so much more of a file the tries are counted anew: a large file may break more often than a small one. */
const PROGRESS_BYTES = 16 * 2 ** 20;

export interface Downloaded {
  /** 304: what was asked about has not changed, and nothing was fetched. */
  status: 200 | 304;
  file: string;
  bytes: number;
  /** Those that were asked for. */
  digests: Digests;
  headers: Readonly<Record<string, string>>;
}

export interface DownloadImageOptions {
  signal: AbortSignal;
  progress?: Progress;
  /** Told of each new try and its reason. */
  record?: Recorder;
  /** Made while it comes. */
  digests?: readonly Algorithm[];
  /** Fetched only if the server has another by now. */
  unless_still?: ImageRecord;
  limits?: Limits;
}

type Tools = Pick<ImageTools, "http" | "clock" | "config">;

/** Rejects with CloudError: "malformed" for a URL that is never fetched from, "unreachable", "too_large", "insufficient". */
export async function downloadImage(
  tools: Tools,
  { url }: Pick<Source, "url">,
  file: string,
  options: DownloadImageOptions,
): Promise<Downloaded> {
  const { limits = LIMITS, record, signal } = options;
  const until = tools.clock.now() + tools.config.IMAGE_TIMEOUT;
  const transfer: Transfer = { url, file, until, from: undefined };
  const told = (why: string, pause_ms: number) => {
    const message = `${why}; trying again in ${pause_ms / 1000} s`;
    record?.({ operation: "fetch image", phase: "retry", message });
  };
  let furthest = 0;
  function goOn(error: unknown): boolean {
    const point = resumePoint(error);
    if (point !== undefined) transfer.from = point ?? undefined;
    const hasGained = (point?.bytes ?? 0) >= furthest + PROGRESS_BYTES;
    furthest = Math.max(furthest, point?.bytes ?? 0);
    return hasGained;
  }
  const patience = limits.patience === undefined ? {} : { patience: limits.patience };
  const retrying = { clock: tools.clock, signal, until, told, ...patience };
  try {
    const done = await retry(() => transferOnce(tools, transfer, options), retrying, goOn);
    const { bytes, digests, headers } = done;
    return { status: done.status === 304 ? 304 : 200, file, bytes, digests, headers };
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
}

interface Transfer {
  readonly url: string;
  readonly file: string;
  /** s since 1970. */
  readonly until: number;
  from: ResumePoint | undefined;
}

async function transferOnce(
  tools: Tools,
  { url, file, until, from }: Transfer,
  { signal, progress, digests = [], unless_still, limits = LIMITS }: DownloadImageOptions,
): Promise<Download> {
  const left_ms = Math.max(1, Math.floor((until - tools.clock.now()) * 1000));
  const done = await tools.http
    .download(url, file, {
      headers: unless_still === undefined || from !== undefined ? {} : conditionOf(unless_still),
      from,
      max_bytes: maxBytes(tools),
      timeout_ms: left_ms,
      idle_ms: limits.idle_ms,
      slowest: limits.slowest,
      digests,
      progress: (bytes, total) => progress?.("download", bytes, total),
      signal,
    })
    .catch((error: unknown) => {
      if (tools.clock.now() < until || signal.aborted) throw error;
      const words = `took longer than ${tools.config.IMAGE_TIMEOUT} s`;
      throw new CloudError("unreachable", words, { cause: error, detail: { lasting: true } });
    });
  if (done.status === 304 && unless_still !== undefined) return done;
  if (done.status !== 200) throw refusal(done);
  if (done.bytes === 0)
    throw new CloudError("unreachable", "the server sent an empty file", { detail: { lasting: true } });
  return done;
}
