import type { Capacity } from "#shared/nodes/record.ts";

/** Of a node with room for whatever a test makes. */
export const PLENTY: Capacity = {
  cpu_max: 8,
  memory_max_mib: 65_536,
  memory_available_mib: 65_536,
  disk_free_gib: 10_000,
};
