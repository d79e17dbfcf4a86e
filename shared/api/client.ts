// The API as typed calls. References are UUIDs or names; the server resolves them.
// create and delete may be answered before the work is over: the `await…` calls see it through.
import { setTimeout as delay } from "node:timers/promises";
import { ApiError, ConnectionError } from "./errors.ts";
import type { Response } from "./exchange.ts";
import { type Method, path, Session, type SessionOptions } from "./session.ts";
import type {
  Diagnosis,
  DoctorWish,
  Event,
  ImageFilter,
  ImageMeta,
  ImageRequest,
  Instance,
  InstanceRequest,
  ListedNetwork,
  Locks,
  Metadata,
  Network,
  NetworkInterface,
  NetworkRequest,
  Node,
  NodeDetails,
  NodeInstance,
  Snapshot,
} from "./types.ts";

/** Things with a uuid that have events, interfaces and metadata. */
export type Kind = "instances" | "networks";
export type PowerAct = "poweron" | "poweroff" | "pause" | "unpause" | "rebootsoft" | "reboothard";

const MOVING_STATES = ["initial", "preflight", "creating"];
/** The longest that a timer can be set to. */
const NO_DEADLINE_MS = 2 ** 31 - 1;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

export class ApiClient {
  readonly #session: Session;

  constructor(options: SessionOptions) {
    this.#session = new Session(options);
  }

  listNodes = () => this.#list<Node>("GET", "/nodes");
  getNode = (name: string) => this.#object<NodeDetails>("GET", path`/nodes/${name}`);
  cordonNode = (name: string) => this.#do("POST", path`/nodes/${name}/cordon`);
  uncordonNode = (name: string) => this.#do("POST", path`/nodes/${name}/uncordon`);
  /** Answers the instances that are left on it. */
  drainNode = (name: string) => this.#list<NodeInstance>("POST", path`/nodes/${name}/drain`);
  /** Answers the uuids of the instances that are lost with it. */
  removeNode = (name: string) => this.#list<string>("DELETE", path`/nodes/${name}`);
  listNodeEvents = (name: string) => this.#list<Event>("GET", path`/nodes/${name}/events`);
  /** What is wrong with it; of the checks that are named, or of one scope. */
  examineNode = (name: string, wish: DoctorWish = {}) =>
    this.#list<Diagnosis>("GET", path`/nodes/${name}/doctor`, wish);
  /** As `examineNode`, and mends what can be mended. */
  mendNode = (name: string, wish: DoctorWish = {}) =>
    this.#list<Diagnosis>("POST", path`/nodes/${name}/doctor`, wish);
  listLocks = () => this.#object<Locks>("GET", "/admin/locks");

  listNamespaces = () => this.#list<string>("GET", "/auth/namespaces");
  createNamespace = (namespace: string) => this.#do("POST", "/auth/namespaces", { namespace });
  deleteNamespace = (namespace: string) => this.#do("DELETE", path`/auth/namespaces/${namespace}`);
  listKeys = (namespace: string) => this.#list<string>("GET", path`/auth/namespaces/${namespace}/keys`);
  addKey = (namespace: string, key_name: string, key: string) =>
    this.#do("POST", path`/auth/namespaces/${namespace}/keys`, { key_name, key });
  deleteKey = (namespace: string, key_name: string) =>
    this.#do("DELETE", path`/auth/namespaces/${namespace}/keys/${key_name}`);

  getMetadata = (kind: Kind | "auth/namespaces", ref: string) =>
    this.#object<Metadata>("GET", `/${kind}${path`/${ref}/metadata`}`);
  setMetadata = (kind: Kind | "auth/namespaces", ref: string, key: string, value: string) =>
    this.#do("PUT", `/${kind}${path`/${ref}/metadata/${key}`}`, { value });
  deleteMetadata = (kind: Kind | "auth/namespaces", ref: string, key: string) =>
    this.#do("DELETE", `/${kind}${path`/${ref}/metadata/${key}`}`);

  listEvents = (kind: Kind, ref: string) => this.#list<Event>("GET", `/${kind}${path`/${ref}/events`}`);
  listInterfaces = (kind: Kind, ref: string) =>
    this.#list<NetworkInterface>("GET", `/${kind}${path`/${ref}/interfaces`}`);

  listInstances = (all = false) => this.#list<Instance>("GET", "/instances", { all });
  getInstance = (ref: string) => this.#maybe<Instance>("GET", path`/instances/${ref}`);
  createInstance = (request: InstanceRequest) => this.#object<Instance>("POST", "/instances", request);
  deleteInstance = (ref: string) => this.#do("DELETE", path`/instances/${ref}`);
  /** Answers the uuids; null is the caller's own namespace, which the system namespace may not leave out. */
  deleteAllInstances = (namespace: string | null = null) =>
    this.#list<string>("DELETE", "/instances", { confirm: true, namespace });
  actOnInstance = (ref: string, act: PowerAct) => this.#do("POST", path`/instances/${ref}/${act}`);
  /** Without `all`, of the first disk only. Answers the snapshot's uuid once it is there, or without `wait` at once. */
  snapshotInstance = (ref: string, all = false, wait = true) =>
    this.#object<string>("POST", path`/instances/${ref}/snapshot`, { all, ...(wait ? {} : { wait }) });
  listSnapshots = (ref: string) => this.#list<Snapshot>("GET", path`/instances/${ref}/snapshot`);
  deleteSnapshot = (ref: string, uuid: string) =>
    this.#do("DELETE", path`/instances/${ref}/snapshot/${uuid}`);
  /** A disk's file from byte `first` on. From 0 on it is answered with 200, else with 206. */
  openSnapshot = (ref: string, uuid: string, device: string, first = 0): Promise<Response> =>
    this.#session.open(
      "GET",
      path`/instances/${ref}/snapshot/${uuid}/${device}`,
      undefined,
      first === 0 ? {} : { range: `bytes=${first}-` },
    );
  /** The last `length` bytes as they came from the guest; -1 for all there are. */
  getConsoleData = (ref: string, length: number) =>
    this.#session.bytes("GET", path`/instances/${ref}/consoledata`, { length });
  /** The last `length` bytes (0: none), and then what comes, until the instance is over. */
  followConsole = (ref: string, length: number): Promise<Response> =>
    this.#session.open("GET", path`/instances/${ref}/console`, { length }, {}, NO_DEADLINE_MS);

  listNetworks = (all = false) => this.#list<ListedNetwork>("GET", "/networks", { all });
  getNetwork = (ref: string) => this.#maybe<Network>("GET", path`/networks/${ref}`);
  createNetwork = (request: NetworkRequest) => this.#object<Network>("POST", "/networks", request);
  deleteNetwork = (ref: string) => this.#do("DELETE", path`/networks/${ref}`);
  deleteAllNetworks = (namespace: string | null = null) =>
    this.#list<string>("DELETE", "/networks", { confirm: true, namespace });

  getInterface = (uuid: string) => this.#maybe<NetworkInterface>("GET", path`/interfaces/${uuid}`);
  floatInterface = (uuid: string) => this.#do("POST", path`/interfaces/${uuid}/float`);
  defloatInterface = (uuid: string) => this.#do("POST", path`/interfaces/${uuid}/defloat`);

  /** Answered at once; the image's events tell how it went. */
  cacheImage = (request: ImageRequest) => this.#do("POST", "/images", request);
  listImages = (filter: ImageFilter = {}) =>
    this.#list<ImageMeta>("GET", "/images", { node: null, ...filter });
  /** `url` as it was given to cacheImage, to the letter. */
  listImageEvents = (url: string) => this.#list<Event>("GET", "/images/events", { url });

  /** The instance when its creation is over, well or not, or as it is when the time is up. */
  async awaitCreated(instance: Instance, wait_ms = 300_000): Promise<Instance> {
    let latest = instance;
    await this.#until(wait_ms, async (first) => {
      if (!first) latest = (await this.getInstance(instance.uuid)) ?? latest;
      return !MOVING_STATES.includes(latest.state);
    });
    return latest;
  }

  /** True when the instance is gone (deleted or in error), false when the time was up before. */
  awaitDeleted(ref: string, wait_ms = 300_000): Promise<boolean> {
    return this.#until(wait_ms, async () => {
      try {
        const { state } = (await this.getInstance(ref)) ?? { state: "deleted" };
        return state === "deleted" || state === "error";
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return true;
        throw error;
      }
    });
  }

  /** True once the snapshot's files are there, false when it is gone: its instance's events say why. */
  async awaitSnapshot(ref: string, uuid: string, tell: (percent: number) => void): Promise<boolean> {
    let rows: Snapshot[] = [];
    await this.#until(Number.POSITIVE_INFINITY, async () => {
      rows = (await this.listSnapshots(ref)).filter((row) => row.uuid === uuid);
      tell(rows[0]?.progress ?? 0);
      return rows.every(({ state }) => state !== "creating");
    });
    return rows.length > 0;
  }

  /** The instances that are left on the node: none, or those that still were when the time was up. */
  async awaitDrained(name: string, wait_ms: number): Promise<NodeInstance[]> {
    let left: NodeInstance[] = [];
    await this.#until(wait_ms, async () => {
      left = (await this.getNode(name)).instances;
      return left.length === 0;
    });
    return left;
  }

  /** The API tells of changes only when asked. */
  async #until(wait_ms: number, isOver: (first: boolean) => Promise<boolean>): Promise<boolean> {
    const end = performance.now() + wait_ms;
    let pause_ms = FIRST_PAUSE_MS;
    for (let first = true; !(await isOver(first)); first = false) {
      const left_ms = end - performance.now();
      if (left_ms <= 0) return false;
      await delay(Math.min(pause_ms, left_ms));
      pause_ms = Math.min(pause_ms * 2, LONGEST_PAUSE_MS);
    }
    return true;
  }

  async #do(method: Method, path: string, body?: unknown): Promise<void> {
    await this.#session.json(method, path, body);
  }

  async #maybe<T>(method: Method, path: string): Promise<T | null> {
    const answer = (await this.#session.json(method, path)) as T | null;
    return isEmpty(answer) ? null : answer;
  }

  async #object<T>(method: Method, path: string, body?: unknown): Promise<T> {
    const answer = await this.#session.json(method, path, body);
    if (answer === null || Array.isArray(answer))
      throw new ConnectionError(`${method} ${path}: unexpected answer`);
    return answer as T;
  }

  async #list<T>(method: Method, path: string, body?: unknown): Promise<T[]> {
    const answer = (await this.#session.json(method, path, body)) ?? [];
    if (!Array.isArray(answer)) throw new ConnectionError(`${method} ${path}: the answer is not a list`);
    return answer as T[];
  }
}

function isEmpty(answer: unknown): boolean {
  return typeof answer !== "object" || answer === null || Object.keys(answer).length === 0;
}
