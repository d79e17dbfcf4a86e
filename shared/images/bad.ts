// Offers that were refused, remembered instead of kept: while a server offers the same, the same reason is given at once,
// without another download. Never for longer than an hour: what was wrong may have been on this side.
import type { Cloud } from "../cloud.ts";
import { CloudError, messageOf } from "../errors.ts";
import { discard, put, remove } from "../ports/store/store.ts";
import type { Checksum } from "./checksum.ts";
import { checkFreshness } from "./freshness.ts";
import { type BadRecord, badKey, badPrefix, imageRef, type Offer } from "./record.ts";
import type { Source } from "./source.ts";
import type { ImageTools } from "./tools.ts";

const KEPT_S = 3600;
/** An image and its checksums may be changed one after the other. */
const UNPUBLISHED_S = 300;

export const showChecksum = ({ algorithm, digest }: Checksum): string => `${algorithm}:${digest}`;

export interface Grounds {
  readonly of: "checksum" | "content";
  /** See `BadRecord`. */
  readonly unlike: string | null;
}

/** Nothing that was cached before is touched by it. */
export async function noteBad(
  tools: ImageTools,
  source: Source,
  offer: Pick<Offer, "size" | "modified" | "etag" | "sha256">,
  { kind, message }: CloudError,
  { of, unlike }: Grounds,
): Promise<void> {
  const { node, clock, store } = tools;
  const bad: BadRecord = {
    ...offer,
    url: source.url,
    ref: imageRef(source.url),
    node: node.name,
    kind,
    reason: message,
    since: clock.now(),
    until: clock.now() + (of === "checksum" ? UNPUBLISHED_S : KEPT_S),
    unlike,
  };
  await store.commit([put(badKey(node.name, bad.ref), bad)]);
}

/** Rejects as the fetch did that was refused, if another one would end in the same way. */
export async function refuseKnownBad(tools: ImageTools, source: Source, signal: AbortSignal): Promise<void> {
  const bad = (await tools.store.get<BadRecord>(badKey(tools.node.name, imageRef(source.url))))?.value;
  if (bad === undefined || bad.until <= tools.clock.now() || !concerns(bad, source)) return;
  // Its length alone does not tell a file from the one that mends it.
  if (bad.etag === null && bad.modified === null) return;
  const { is } = await checkFreshness(tools, bad, signal);
  if (is === "changed" || is === "unreachable") return;
  throw new CloudError(
    bad.kind,
    `${bad.reason} (its server still offers the same; 'image cache' tries again)`,
  );
}

const concerns = ({ unlike }: BadRecord, { checksum }: Source): boolean =>
  unlike === null || (checksum !== undefined && showChecksum(checksum) === unlike);

/** The offer that stood there is not the last one any more. */
export const forgetBad = (tools: Pick<ImageTools, "node">, ref: string) =>
  discard(badKey(tools.node.name, ref));

/** Answers with their URLs. */
export async function removeExpired(
  tools: Pick<Cloud, "store" | "clock" | "node" | "log">,
): Promise<string[]> {
  const removed: string[] = [];
  for (const entry of await tools.store.list<BadRecord>(badPrefix(tools.node.name))) {
    if (entry.value.until > tools.clock.now()) continue;
    try {
      await tools.store.commit([remove(entry)]);
      removed.push(entry.value.url);
    } catch (error) {
      tools.log.debug({ key: entry.key, error: messageOf(error) }, "a refused image is refused anew");
    }
  }
  return removed;
}
