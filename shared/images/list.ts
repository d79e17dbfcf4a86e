// What the nodes hold of images, are fetching and have refused, from the mirror.
import type { Cloud } from "../cloud.ts";
import {
  type BadRecord,
  badPrefix,
  type FetchRecord,
  fetchPrefix,
  type ImageRecord,
  imagePrefix,
  imageRef,
} from "./record.ts";
import { knownUrl } from "./source.ts";
import type { Known } from "./view.ts";

export interface Filter {
  node?: string | undefined;
  /** A URL or a short name. */
  url?: string | undefined;
  /** Also what is not, or not yet, an image that can be used. */
  all: boolean;
}

/** In the order of nodes; `in_use` counts the disks on an image, of all its versions. */
export async function listImages(
  cloud: Cloud,
  { node, url, all }: Filter,
  in_use: (node: string, ref: string) => number,
): Promise<Known[]> {
  const ref = url === undefined ? undefined : imageRef((await knownUrl(cloud, url)) ?? "");
  const { mirror } = cloud.store;
  const rows = new Map<string, Known>();

  function gather<Name extends "image" | "fetch" | "bad">(
    name: Name,
    records: readonly { value: NonNullable<Known[Name]> }[],
  ): void {
    for (const { value } of records) {
      if (ref !== undefined && value.ref !== ref) continue;
      const key = `${value.node} ${value.ref}`;
      const row = rows.get(key) ?? { in_use: in_use(value.node, value.ref) };
      rows.set(key, { ...row, [name]: value });
    }
  }

  gather("image", mirror.list<ImageRecord>(imagePrefix(node)));
  gather("fetch", mirror.list<FetchRecord>(fetchPrefix(node)));
  const now = cloud.clock.now();
  gather(
    "bad",
    mirror.list<BadRecord>(badPrefix(node)).filter(({ value }) => value.until > now),
  );
  return [...rows.values()].filter(({ image }) => all || image !== undefined);
}
