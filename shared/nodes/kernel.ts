// What the kernel tells of this machine, from the texts of /proc and /sys.

const SECTOR_BYTES = 512;

/** `name: number` lines; kB as in /proc/meminfo. */
export function parseMeminfo(text: string): ReadonlyMap<string, number> {
  return new Map(
    [...text.matchAll(/^(\w+):\s+(\d+)/gm)].map(([, name = "", value]) => [name, Number(value)]),
  );
}

/** Bytes read and written by whole disks: partitions, and what is layered on disks, would count twice. */
export function parseDiskstats(text: string): [read: number, written: number] {
  let [read, written] = [0, 0];
  for (const line of text.split("\n")) {
    const fields = line.trim().split(/\s+/);
    const name = fields[2] ?? "";
    if (!/^([svh]d[a-z]+|xvd[a-z]+|nvme\d+n\d+|mmcblk\d+)$/.test(name)) continue;
    read += Number(fields[5]) * SECTOR_BYTES;
    written += Number(fields[9]) * SECTOR_BYTES;
  }
  return [read, written];
}

/** Bytes received and sent by all interfaces but the loopback. */
export function parseNetDev(text: string): [received: number, sent: number] {
  let [received, sent] = [0, 0];
  for (const [, name, counters = ""] of text.matchAll(/^\s*([^\s:]+):\s*(.*)$/gm)) {
    if (name === "lo") continue;
    const fields = counters.split(/\s+/);
    received += Number(fields[0]);
    sent += Number(fields[8]);
  }
  return [received, sent];
}
