// The rules that a node must pass to take an instance, in their order; the words are what users of v0.3 know.
import type { Cloud } from "../cloud.ts";
import type { Candidate } from "./candidates.ts";
import type { Wish } from "./placement.ts";
import { type Claim, NO_CLAIM } from "./record.ts";

export interface Rule {
  /** In an instance's history. */
  name: string;
  /** What the caller is told when no node is left. */
  refusal: string;
  /** By how much the node falls short; 0 or less when it fits. */
  shortage(cloud: Cloud, candidate: Candidate, wish: Wish): number;
  /** What a node lacks that falls short by this much. */
  says(shortage: number, candidate: Candidate): string;
}

const unsettled = ({ name }: Candidate, wish: Wish): Claim => wish.unsettled.get(name) ?? NO_CLAIM;

const ACTUAL_CPU: Rule = {
  name: "Have enough actual CPU",
  refusal: "Requested vCPUs exceeds vCPU limit",
  shortage: (_, { has }, { need }) => need.cpus - has.cpu_max,
  says: (_, { has }) => `takes at most ${has.cpu_max} vCPUs an instance`,
};

const IDLE_CPU: Rule = {
  name: "Have enough idle CPU",
  refusal: "No nodes with enough idle CPU",
  shortage: (cloud, candidate, { need }) =>
    candidate.claimed.now.cpus + need.cpus - candidate.has.cpu_max * cloud.config.CPU_OVERCOMMIT_RATIO,
  says: (shortage) => `lacks ${Math.ceil(shortage)} vCPUs`,
};

/** Both what is free now, less what is on its way, and what may be promised in all. */
const IDLE_RAM: Rule = {
  name: "Have enough idle RAM",
  refusal: "No nodes with enough idle RAM",
  shortage(cloud, candidate, wish) {
    const { RAM_SYSTEM_RESERVATION, RAM_OVERCOMMIT_RATIO } = cloud.config;
    const { memory_available_mib, memory_max_mib } = candidate.has;
    const wanted = wish.need.memory_mib;
    const coming = unsettled(candidate, wish).memory_mib;
    const free = memory_available_mib - RAM_SYSTEM_RESERVATION * 1024 - coming;
    const promisable = memory_max_mib * RAM_OVERCOMMIT_RATIO - candidate.claimed.now.memory_mib;
    return wanted - Math.min(free, promisable);
  },
  says: (shortage) => `lacks ${Math.ceil(shortage)} MiB of memory`,
};

const IDLE_DISK: Rule = {
  name: "Have enough idle disk",
  refusal: "No nodes with enough disk space",
  shortage: (_, candidate, wish) =>
    wish.need.disk_gib + unsettled(candidate, wish).disk_gib - candidate.has.disk_free_gib,
  says: (shortage) => `lacks ${Math.ceil(shortage)} GiB of disk space`,
};

export const RULES: readonly Rule[] = [ACTUAL_CPU, IDLE_CPU, IDLE_RAM, IDLE_DISK];
