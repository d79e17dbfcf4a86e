// What this machine has to give, read from the kernel. Rounded, so that it is written to the store only when it matters.
import { statfs } from "node:fs/promises";
import { availableParallelism, freemem, totalmem } from "node:os";
import type { Capacity } from "./record.ts";

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const MEMORY_STEP_MIB = 256;

/** Node's freemem is MemAvailable: what can be had without swapping. */
export async function readCapacity(storagePath: string): Promise<Capacity> {
  const disk = await statfs(storagePath);
  return {
    cpu_max: availableParallelism(),
    memory_max_mib: Math.floor(totalmem() / MIB),
    memory_available_mib: Math.floor(freemem() / MIB / MEMORY_STEP_MIB) * MEMORY_STEP_MIB,
    disk_free_gib: Math.floor((disk.bavail * disk.bsize) / GIB),
  };
}
