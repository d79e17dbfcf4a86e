// Which nodes have images at hand, from the mirror and without asking any server: for placing instances near them.
import type { Cloud } from "../cloud.ts";
import type { Entry } from "../ports/store/store.ts";
import { type ImageRecord, imagePrefix, imageRef } from "./record.ts";
import { knownUrl } from "./source.ts";

/** For each distinct image, by URL or shorthand, the nodes that have it. */
export async function knownImages(
  cloud: Cloud,
  texts: readonly string[],
): Promise<readonly ReadonlySet<string>[]> {
  const urls = await Promise.all([...new Set(texts)].map((text) => knownUrl(cloud, text)));
  const images = cloud.store.mirror.list<ImageRecord>(imagePrefix());
  const holders = cloud.memo.of(images, "nodes by image", () => nodesByImage(images));
  return urls.flatMap((url) => (url === undefined ? [] : (holders.get(imageRef(url)) ?? [])));
}

function nodesByImage(images: readonly Entry<ImageRecord>[]): Map<string, Set<string>> {
  const nodes = new Map<string, Set<string>>();
  for (const { value } of images) nodes.set(value.ref, (nodes.get(value.ref) ?? new Set()).add(value.node));
  return nodes;
}
