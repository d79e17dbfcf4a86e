// How images are shown to people: sizes in units, and how far a fetch is.
import type { ImageMeta } from "#shared/api/types.ts";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** The fields in which a server older than this client has nothing. */
type Row = Pick<ImageMeta, "url" | "node"> & Partial<ImageMeta>;

export function inUnits(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

/** `download 40 % of 583.0 MiB`, or as much of it as is known; nothing where nothing is fetched. */
export function fetchInWords({ phase, done, total }: Partial<ImageMeta>): string {
  if (phase == null) return "";
  if (total == null) return `${phase} ${inUnits(done ?? 0)}`;
  const percent = total === 0 ? 100 : Math.floor(((done ?? 0) / total) * 100);
  return `${phase} ${percent} % of ${inUnits(total)}`;
}

export const imageColumns = {
  url: "url",
  node: "node",
  state: "state",
  progress: "progress",
  format: "format",
  size: "size",
  disk: "disk",
  "in use": "in_use",
  used: "used",
} as const;

/** A row for people, by the columns above. */
export function imageRow(row: Row): Record<(typeof imageColumns)[keyof typeof imageColumns], unknown> {
  const { url, node, state, reason, format, size, virtual_size, in_use, used } = row;
  return {
    ...{ url, node, state: state ?? "cached", format: format ?? "", used: used ?? "" },
    progress: fetchInWords(row) || (reason ?? ""),
    size: size == null ? "" : inUnits(Number(size)),
    disk: virtual_size == null ? "" : inUnits(virtual_size),
    in_use: in_use ?? "",
  };
}
