// The process that talks to libvirtd, so that a frozen one blocks nothing else. Sole importer of the libvirt binding.
// Plain JavaScript: it runs without a loader, which keeps it small. Started by libvirt-calls.ts with the URI as its
// argument; answers { id, lane, method, argument } with { id, value } or { id, kind, message }; dies with its parent.
import * as libvirt from "@unraid/libvirt";

const OURS = "sf:";
const uri = process.argv[2] ?? "qemu:///system";

/** @typedef {{ hypervisor: libvirt.Hypervisor, users: number, dead: boolean }} Connection */
/** @typedef {{ domain: libvirt.Domain, active: boolean }} Found */

/** The binding reports no error codes, so a refusal that has a meaning is told by its text (LC_ALL=C). */
class Refusal extends Error {
  /** @param {"unavailable" | "conflict"} kind @param {string} message */
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/** What the binding works on: its native code keeps bare pointers, so nothing in use may be garbage collected. */
const inUse = new Set();

/**
 * One connection a lane: libvirtd handles five requests of a connection at a time, and slow acts must not hold up reads.
 * @type {Map<string, Promise<Connection>>}
 */
const connections = new Map();

/** @param {string} lane */
function connection(lane) {
  const kept = connections.get(lane);
  if (kept !== undefined) return kept;
  const opening = open();
  connections.set(lane, opening);
  opening.catch(() => connections.delete(lane));
  return opening;
}

/** @returns {Promise<Connection>} */
async function open() {
  const hypervisor = new libvirt.Hypervisor({ uri });
  try {
    await hypervisor.connectOpen();
  } catch (error) {
    throw new Refusal("unavailable", words(error));
  }
  return { hypervisor, users: 0, dead: false };
}

/**
 * Runs an operation on the lane's connection. A connection does not outlive its libvirtd: when it turns out dead the
 * operation is run once more on a new one, which is safe because each operation first looks at what is there.
 * @param {string} lane @param {(hypervisor: libvirt.Hypervisor) => Promise<unknown>} operation
 */
async function withConnection(lane, operation, attempt = 1) {
  const opened = await connection(lane);
  opened.users += 1;
  try {
    return await operation(opened.hypervisor);
  } catch (error) {
    if (error instanceof Refusal || (await isAlive(opened))) throw error;
    if (!opened.dead) connections.delete(lane);
    opened.dead = true;
    if (attempt === 2) throw new Refusal("unavailable", words(error));
  } finally {
    opened.users -= 1;
    if (opened.dead && opened.users === 0) opened.hypervisor.connectClose().catch(() => {});
  }
  return withConnection(lane, operation, attempt + 1);
}

/** @param {Connection} opened */
async function isAlive(opened) {
  if (opened.dead) return false;
  return opened.hypervisor.connectGetHostname().then(
    () => true,
    () => false,
  );
}

/**
 * @param {libvirt.Hypervisor} hypervisor @param {string} uuid @param {(found: Found | undefined) => unknown} work
 */
async function withDomain(hypervisor, uuid, work) {
  const found = await findDomain(hypervisor, uuid);
  inUse.add(found);
  try {
    return await work(found);
  } finally {
    inUse.delete(found);
  }
}

/** @param {libvirt.Hypervisor} hypervisor @param {string} uuid @returns {Promise<Found | undefined>} */
async function findDomain(hypervisor, uuid) {
  const domain = await unlessAbsent(hypervisor.domainLookupByUUIDString(uuid));
  if (domain === undefined) return undefined;
  const name = await domain.getName();
  if (!name.startsWith(OURS))
    throw new Refusal("conflict", `domain ${uuid} is not ours: its name is ${name}`);
  return { domain, active: typeof (await domain.getID()) === "number" };
}

/** @template T @param {Promise<T>} asked @returns {Promise<T | undefined>} */
async function unlessAbsent(asked) {
  try {
    return await asked;
  } catch (error) {
    if (words(error).startsWith("Domain not found")) return undefined;
    throw error;
  }
}

/** @param {libvirt.Domain} domain */
async function powerOf(domain) {
  const info = await unlessAbsent(domain.getInfo());
  if (info === undefined) return undefined;
  const states = libvirt.DomainState;
  if (info.state === states.SHUTOFF) return "off";
  if (info.state === states.CRASHED) return "crashed";
  return info.state === states.PAUSED || info.state === states.PMSUSPENDED ? "paused" : "on";
}

/**
 * Does the act unless the domain is already as asked, and takes a failed act for done if another brought that about.
 * @param {libvirt.Hypervisor} hypervisor @param {string} uuid
 * @param {(found: Found | undefined) => Promise<boolean> | boolean} isDone @param {(domain: libvirt.Domain) => Promise<void>} act
 */
async function ensure(hypervisor, uuid, isDone, act) {
  await withDomain(hypervisor, uuid, async (found) => {
    if (await isDone(found)) return;
    if (found === undefined) throw new Error(`Domain not found: no domain with matching uuid '${uuid}'`);
    try {
      await act(found.domain);
    } catch (error) {
      if (!(await withDomain(hypervisor, uuid, isDone))) throw error;
    }
  });
}

/** @param {string} power */
const hasPower = (power) => async (/** @type {Found | undefined} */ found) =>
  found !== undefined && (await powerOf(found.domain)) === power;

/** @type {Record<string, (hypervisor: libvirt.Hypervisor, argument: string) => Promise<unknown>>} */
const operations = {
  async listDomains(hypervisor) {
    const domains = await hypervisor.connectListAllDomains();
    inUse.add(domains);
    try {
      const listed = [];
      for (const domain of domains) {
        if (!(await domain.getName()).startsWith(OURS)) continue;
        const power = await powerOf(domain);
        if (power !== undefined) listed.push({ uuid: await domain.getUUIDString(), power });
      }
      return listed;
    } finally {
      inUse.delete(domains);
    }
  },

  async usage(hypervisor) {
    const domains = await hypervisor.connectListAllDomains(libvirt.ConnectListAllDomainsFlags.ACTIVE);
    inUse.add(domains);
    try {
      const sum = { domains: 0, vcpus: 0, memory_max_mib: 0, memory_mib: 0, cpu_time_ns: 0 };
      for (const domain of domains) {
        const info = await unlessAbsent(domain.getInfo());
        if (info === undefined) continue;
        sum.domains += 1;
        sum.vcpus += info.nrVirtCpu;
        sum.memory_max_mib += info.maxMem / 1024;
        sum.memory_mib += info.memory / 1024;
        sum.cpu_time_ns += info.cpuTime;
      }
      return sum;
    } finally {
      inUse.delete(domains);
    }
  },

  /** Absent: null, since undefined does not travel. */
  getPower: (hypervisor, uuid) =>
    withDomain(hypervisor, uuid, async (found) => (found && (await powerOf(found.domain))) ?? null),

  async define(hypervisor, xml) {
    await hypervisor.domainDefineXML(xml);
  },

  start: (hypervisor, uuid) =>
    ensure(
      hypervisor,
      uuid,
      (found) => found?.active === true,
      (domain) => domain.create(),
    ),

  powerOff: (hypervisor, uuid) =>
    ensure(
      hypervisor,
      uuid,
      (found) => found?.active !== true,
      (domain) => domain.destroy(),
    ),

  /** Whether nothing is left: the binding cannot undefine a domain that has a saved state. */
  async undefine(hypervisor, uuid) {
    try {
      await ensure(
        hypervisor,
        uuid,
        (found) => found === undefined,
        (domain) => domain.undefine(),
      );
      return true;
    } catch (error) {
      if (words(error).includes("Refusing to undefine")) return false;
      throw error;
    }
  },

  pause: (hypervisor, uuid) => ensure(hypervisor, uuid, hasPower("paused"), (domain) => domain.suspend()),

  unpause: (hypervisor, uuid) => ensure(hypervisor, uuid, hasPower("on"), (domain) => domain.resume()),
};

/** @param {unknown} error */
function words(error) {
  return error instanceof Error ? error.message : String(error);
}

process.on(
  "message",
  async (/** @type {{ id: number, lane: string, method: string, argument: string }} */ call) => {
    try {
      const operation = operations[call.method];
      if (operation === undefined) throw new Error(`no operation ${call.method}`);
      const value = await withConnection(call.lane, (hypervisor) => operation(hypervisor, call.argument));
      process.send?.({ id: call.id, value });
    } catch (error) {
      const kind = error instanceof Refusal ? error.kind : "internal";
      process.send?.({ id: call.id, kind, message: words(error) });
    }
  },
);

// A plain exit would wait for the threads that a frozen libvirtd holds.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
