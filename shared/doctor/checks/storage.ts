// The node's storage: there, writable, open to QEMU, and with room.
import { access, chmod, constants, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Cloud } from "../../cloud.ts";
import { messageOf } from "../../errors.ts";
import { check, type Found } from "../check.ts";
import { unlessAbsent } from "../files.ts";

const OURS = ["", "instances", "image_cache", "snapshots", "dhcp"];
/** QEMU's user must get through to these. */
const ENTERED = ["instances", "image_cache"];
const GIB = 1024 ** 3;
const FEW_GIB = 10;
const FEW = 0.05;

export const storage = check({
  name: "storage",
  summary: "The storage is writable, open to QEMU, and has room",
  scope: "node",
  reads_store: false,

  async find(cloud) {
    const paths = OURS.map((name) => join(cloud.config.STORAGE_PATH, name));
    const usable = (await Promise.all(paths.map(findUnusable))).flat();
    return [...usable, ...(await findClosed(cloud)), ...(await findFull(cloud))];
  },
});

async function findUnusable(path: string): Promise<Found[]> {
  try {
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return [];
  } catch (error) {
    const mend = "mount it, then restart sf-node, which makes its directories";
    return [{ subject: path, problem: `cannot be used: ${messageOf(error)}`, mend }];
  }
}

async function findClosed({ config }: Cloud): Promise<Found[]> {
  const root = config.STORAGE_PATH;
  const own = [root, ...ENTERED.map((name) => join(root, name))];
  const found: Found[] = [];
  for (const path of [...own, ...parentsOf(root)]) {
    const mode = (await unlessAbsent(stat(path)))?.mode;
    if (mode === undefined || (mode & 0o001) !== 0) continue;
    const mend = `chmod o+x ${path}`;
    const problem = "QEMU's user may not enter it: guests cannot open their disks";
    // Who may enter what is above it is not ours to say.
    const fix = () => chmod(path, (mode & 0o7777) | 0o001);
    found.push({ subject: path, problem, mend, ...(own.includes(path) ? { fix } : {}) });
  }
  return found;
}

const parentsOf = (path: string): string[] =>
  path === dirname(path) ? [] : [dirname(path), ...parentsOf(dirname(path))];

async function findFull({ config }: Cloud): Promise<Found[]> {
  const path = config.STORAGE_PATH;
  const disk = await unlessAbsent(statfs(path));
  if (disk === undefined) return [];
  const { bavail, blocks, bsize, files, ffree } = disk;
  const free_gib = (bavail * bsize) / GIB;
  const mend = "sf-client instance delete what is not needed, or a larger disk";
  if (free_gib < FEW_GIB && bavail < FEW * blocks)
    return [{ subject: `room in ${path}`, problem: `only ${free_gib.toFixed(1)} GiB are free`, mend }];
  if (files > 0 && ffree < FEW * files)
    return [{ subject: `room in ${path}`, problem: `only ${ffree} files more can be made`, mend }];
  return [];
}
