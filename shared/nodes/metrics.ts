// The gauges of a node, by the names that v0.3 gave them. Each source stands on its own: one that fails costs its own names
// and no others.
import { readdirSync, readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import type { Cloud } from "../cloud.ts";
import { messageOf } from "../errors.ts";
import { type JobRecord, jobPrefix } from "../jobs.ts";
import { parseDiskstats, parseMeminfo, parseNetDev } from "./kernel.ts";
import { isNetworkNode } from "./network-node.ts";
import type { Metrics } from "./record.ts";

type Source = (cloud: Cloud) => Metrics | Promise<Metrics>;

const KSM = "/sys/kernel/mm/ksm";
const KIB_PER_MIB = 1024;

/** Also the order in which they are shown. */
const SOURCES: readonly Source[] = [
  cpu,
  guests,
  memory,
  sharedMemory,
  disk,
  diskTraffic,
  networkTraffic,
  mesh,
  queues,
];

/** `failed` is told of each source that could not be read. */
export async function collectMetrics(
  cloud: Cloud,
  failed: (source: string, why: string) => void,
  sources: readonly Source[] = SOURCES,
): Promise<Metrics> {
  const parts = await Promise.all(
    sources.map(async (source) => {
      try {
        return await source(cloud);
      } catch (error) {
        failed(source.name, messageOf(error));
        return {};
      }
    }),
  );
  return Object.assign({}, ...parts);
}

function cpu(): Metrics {
  const cpus = availableParallelism();
  const [load_1 = 0, load_5 = 0, load_15 = 0] = loadavg();
  return {
    cpu_max: cpus,
    cpu_available: cpus,
    cpu_max_per_instance: cpus,
    cpu_load_1: load_1,
    cpu_load_5: load_5,
    cpu_load_15: load_15,
  };
}

async function guests({ hypervisor }: Cloud): Promise<Metrics> {
  const { domains, vcpus, cpu_time_ns, memory_max_mib, memory_mib } = await hypervisor.usage();
  return {
    cpu_total_instance_vcpus: vcpus,
    cpu_total_instance_cpu_time: cpu_time_ns,
    memory_total_instance_max: memory_max_mib,
    memory_total_instance_actual: memory_mib,
    instances_total: domains,
    instances_active: domains,
  };
}

function memory(): Metrics {
  const found = parseMeminfo(read("/proc/meminfo"));
  const mib = (name: string) => Math.floor((found.get(name) ?? 0) / KIB_PER_MIB);
  return {
    memory_max: mib("MemTotal"),
    memory_available: mib("MemAvailable"),
    // libvirt counts what nobody has, without what the kernel would give back.
    memory_max_libvirt: mib("MemTotal"),
    memory_available_libvirt: mib("MemFree"),
  };
}

/** Some of these files hold words. */
function sharedMemory(): Metrics {
  const values = readdirSync(KSM).map(
    (name) => [`memory_ksm_${name}`, read(join(KSM, name)).trim()] as const,
  );
  const numbers = values.filter(([, text]) => /^-?\d+$/.test(text));
  return Object.fromEntries(numbers.map(([name, text]) => [name, Number(text)]));
}

async function disk({ config }: Cloud): Promise<Metrics> {
  const { bsize, blocks, bfree, bavail } = await statfs(config.STORAGE_PATH);
  return { disk_total: blocks * bsize, disk_free: bavail * bsize, disk_used: (blocks - bfree) * bsize };
}

function diskTraffic(): Metrics {
  const [disk_read_bytes, disk_write_bytes] = parseDiskstats(read("/proc/diskstats"));
  return { disk_read_bytes, disk_write_bytes };
}

function networkTraffic(): Metrics {
  const [network_read_bytes, network_write_bytes] = parseNetDev(read("/proc/net/dev"));
  return { network_read_bytes, network_write_bytes };
}

/** What guests here may send at a time: all nodes should agree on it. */
function mesh({ mtu }: Cloud): Metrics {
  return { network_guest_mtu: mtu };
}

/** The network node's jobs on networks stand beside its others. */
function queues(cloud: Cloud): Metrics {
  const jobs = cloud.store.mirror.list<JobRecord>(jobPrefix(cloud.node.name)).map(({ value }) => value);
  const isApart = ({ subject }: JobRecord) => isNetworkNode(cloud) && subject.type === "network";
  const count = (of: readonly JobRecord[], name: string): Metrics => {
    const processing = of.filter(({ step }) => step !== null).length;
    return { [`${name}_processing`]: processing, [`${name}_waiting`]: of.length - processing };
  };
  return {
    ...count(
      jobs.filter((job) => !isApart(job)),
      "node_queue",
    ),
    ...(isNetworkNode(cloud) ? count(jobs.filter(isApart), "network_queue") : {}),
  };
}

/** The kernel makes these texts in memory: nothing is waited for. */
const read = (path: string): string => readFileSync(path, "utf8");
