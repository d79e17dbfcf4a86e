// The store's backend on etcd 3.4 or later, through etcd3's plain RPC clients. Sole importer of etcd3.
// The package's own circuit breaker and retries are off, since they turn one failed write into failed reads.
import { randomUUID } from "node:crypto";
import {
  Etcd3,
  EtcdLeaseInvalidError,
  GRPCDeadlineExceededError,
  GRPCInvalidArgumentError,
  GRPCOutOfRangeError,
  type ICompare,
  type IKeyValue,
  type IOptions,
  type IRangeRequest,
  type IRequestOp,
  type ITxnResponse,
} from "etcd3";
import { CloudError, messageOf } from "../../errors.ts";
import type { Backend, Outcome, RangeOptions, Raw, RawChange, Watch, WatchEvents } from "./backend.ts";
import { speaksHttp2 } from "./etcd-probe.ts";
import type { Tls } from "./etcd-tls.ts";
import { compact, healthOf } from "./etcd-upkeep.ts";
import { watchStream } from "./etcd-watch.ts";
import { type Faults, type Member, Members } from "./members.ts";
import type { StoreHealth } from "./store.ts";

export interface EtcdOptions {
  /** host:port of each member. */
  hosts: readonly string[];
  /** Everything stands below it; "/a" and "/ab" do not see each other. */
  prefix: string;
  deadline_ms?: number;
  tls?: Tls | undefined;
}

const PAGE = 500;
const HEAD_DEADLINE_MS = 1000;
const PROBE_MS = 500;

export function openEtcd(options: EtcdOptions): Backend {
  return new EtcdBackend(options);
}

class EtcdBackend implements Backend {
  readonly #members: Members<Etcd3>;
  readonly #prefix: string;
  readonly #deadline_ms: number;
  readonly #tls: Tls | undefined;

  constructor({ hosts: [first, ...others], prefix, deadline_ms = 2000, tls }: EtcdOptions) {
    if (first === undefined) throw new CloudError("internal", "store: no etcd host is given");
    this.#members = new Members([first, ...others], (host) => connect(host, tls), faults, deadline_ms);
    this.#tls = tls;
    this.#prefix = prefix.endsWith("/") ? prefix : `${prefix}/`;
    this.#deadline_ms = deadline_ms;
  }

  async get(key: string): Promise<Raw | undefined> {
    const answer = await this.#members.read(`get ${key}`, ({ kv }, options) =>
      kv.range({ key: this.#key(key) }, options),
    );
    return answer.kvs.map((kv) => this.#raw(kv))[0];
  }

  async range(prefix: string, options: RangeOptions = {}): Promise<Raw[]> {
    const found: Raw[] = [];
    const { limit = Number.MAX_SAFE_INTEGER, reverse = false } = options;
    const order = reverse ? ("Descend" as const) : ("None" as const);
    const under = this.#under(prefix);
    const key = options.from === undefined ? under.key : this.#key(options.from);
    const rest = { ...under, key, revision: options.revision ?? 0, sort_order: order };
    for (let more = true; more && found.length < limit; ) {
      const page: IRangeRequest = { ...rest, limit: Math.min(PAGE, limit - found.length) };
      const answer = await this.#members.read(`list ${prefix}`, ({ kv }, call) => kv.range(page, call));
      for (const kv of answer.kvs) found.push(this.#raw(kv));
      const last = answer.kvs.at(-1)?.key ?? Buffer.of();
      rest.revision ||= Number(answer.header.revision);
      if (reverse) rest.range_end = last;
      else rest.key = Buffer.concat([last, Buffer.of(0)]);
      more = answer.more;
    }
    return found;
  }

  async count(prefix: string): Promise<number> {
    const answer = await this.#members.read(`count ${prefix}`, ({ kv }, options) =>
      kv.range({ ...this.#under(prefix), count_only: true }, options),
    );
    return Number(answer.count);
  }

  compact(revision: number): Promise<void> {
    return compact(this.#members, revision);
  }

  health(): Promise<StoreHealth> {
    return healthOf(this.#members, this.#deadline_ms);
  }

  async commit(changes: readonly RawChange[]): Promise<Outcome> {
    const compared = changes.filter(({ expect }) => expect !== undefined);
    const written = changes.filter(({ write }) => write !== undefined);
    const request = {
      compare: compared.map((change) => this.#compare(change)),
      success: written.map((change) => this.#write(change)),
      failure: compared.map(({ key }) => ({ request_range: { key: this.#key(key), keys_only: true } })),
    };
    try {
      const answer = await this.#members.write("commit", ({ kv }, options) => kv.txn(request, options));
      return outcomeOf(answer, compared, written);
    } catch (error) {
      if (isLeaseGone(error)) return refusedForLease(written);
      throw error;
    }
  }

  async clear(prefix: string): Promise<{ revision: number; deleted: number }> {
    const answer = await this.#members.write(`clear ${prefix}`, ({ kv }, options) =>
      kv.deleteRange(this.#under(prefix), options),
    );
    return { revision: Number(answer.header.revision), deleted: Number(answer.deleted) };
  }

  head(): Promise<number> {
    return this.#headOf(this.#members.current);
  }

  async watch(from: number, events: WatchEvents): Promise<Watch> {
    const member = this.#members.current;
    const stream = await member.client.watchClient.watch();
    const options = {
      ...this.#under(""),
      from,
      deadline_ms: this.#deadline_ms,
      nameOf: (key: Buffer) => this.#name(key),
      alive: () => this.#headOf(member),
    };
    return watchStream(stream, options, events);
  }

  async grant(ttl_s: number): Promise<string> {
    // Like a read: of a grant whose answer was lost nothing is left but a lease that lapses.
    const answer = await this.#members.read("lease", ({ leaseClient }, options) =>
      leaseClient.leaseGrant({ TTL: ttl_s }, options),
    );
    return answer.ID;
  }

  renew(lease: string): Promise<boolean> {
    return this.#members.read("renew a lease", async ({ leaseClient }, options) => {
      const stream = await leaseClient.leaseKeepAlive(options);
      const ttl = new Promise<string>((resolve, reject) => {
        stream.on("data", (answer) => resolve(answer.TTL));
        stream.on("error", reject);
        stream.on("end", () => reject(new Error("the stream ended")));
      });
      stream.write({ ID: lease });
      return ttl.then((seconds) => seconds !== "0").finally(() => stream.end());
    });
  }

  async revoke(lease: string): Promise<void> {
    try {
      await this.#members.read("release a lease", ({ leaseClient }, options) =>
        leaseClient.leaseRevoke({ ID: lease }, options),
      );
    } catch (error) {
      if (!isLeaseGone(error)) throw error;
    }
  }

  close(): void {
    this.#members.close();
  }

  async #headOf(member: Member<Etcd3>): Promise<number> {
    const deadline = Date.now() + Math.min(HEAD_DEADLINE_MS, this.#deadline_ms);
    try {
      const { header } = await member.client.kv.range({ key: this.#key(""), keys_only: true }, { deadline });
      return Number(header.revision);
    } catch (error) {
      this.#members.leave(member);
      if (error instanceof GRPCDeadlineExceededError) await this.#renewConnection(member);
      throw faults.wrap("head", error);
    }
  }

  /**
   * A connection gone silent may stay so for minutes after the network is back; a new one does not. None is made to a
   * server that hangs: it answers on the old one when it wakes, and gRPC would keep each abandoned one open until then.
   */
  async #renewConnection(member: Member<Etcd3>): Promise<void> {
    const { client } = member;
    const alive = await speaksHttp2(member.host, PROBE_MS, this.#tls);
    if (alive && member.client === client) this.#members.reconnect(member);
  }

  #compare({ key, expect = 0 }: RawChange): ICompare {
    return { key: this.#key(key), target: "Mod", result: "Equal", mod_revision: expect };
  }

  #write({ key, write }: RawChange): IRequestOp {
    if (typeof write !== "object") return { request_delete_range: { key: this.#key(key) } };
    return { request_put: { key: this.#key(key), value: Buffer.from(write.put), lease: write.lease ?? 0 } };
  }

  #raw(kv: IKeyValue): Raw {
    return { key: this.#name(kv.key), text: kv.value.toString(), revision: Number(kv.mod_revision) };
  }

  #key(name: string): Buffer {
    return Buffer.from(this.#prefix + name);
  }

  #name(key: Buffer): string {
    return key.toString().slice(this.#prefix.length);
  }

  #under(prefix: string): { key: Buffer; range_end: Buffer } {
    const range_end = this.#key(prefix);
    range_end[range_end.length - 1] = (range_end.at(-1) ?? 0) + 1;
    return { key: this.#key(prefix), range_end };
  }
}

function outcomeOf(answer: ITxnResponse, compared: RawChange[], written: RawChange[]): Outcome {
  const revision = Number(answer.header.revision);
  if (answer.succeeded) {
    const changed = written.filter((_, at) => answer.responses[at]?.response_delete_range?.deleted !== "0");
    return { committed: true, revision, changed: changed.map(({ key }) => key) };
  }
  const found = new Map(
    compared.map(({ key }, at) => [
      key,
      Number(answer.responses[at]?.response_range.kvs[0]?.mod_revision ?? 0),
    ]),
  );
  const failed = compared.filter(({ key, expect }) => found.get(key) !== expect).map(({ key }) => key);
  return { committed: false, revision, found, failed, lease_gone: false };
}

function refusedForLease(written: RawChange[]): Outcome {
  const failed = written.filter(({ write }) => typeof write === "object" && write.lease !== undefined);
  const keys = failed.map(({ key }) => key);
  return { committed: false, revision: 0, found: new Map(), failed: keys, lease_gone: true };
}

type Policy = NonNullable<NonNullable<IOptions["faultHandling"]>["global"]>;
const { signal } = new AbortController();
const direct = { execute: async (call: (context: { signal: AbortSignal }) => unknown) => call({ signal }) };

function connect(host: string, tls: Tls | undefined): Etcd3 {
  return new Etcd3({
    ...(tls === undefined ? { hosts: host } : { hosts: `https://${host}`, credentials: credentialsOf(tls) }),
    // The pool only ever calls `execute`.
    faultHandling: { global: direct as Policy, host: () => direct as Policy },
    grpcOptions: {
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
      "grpc.initial_reconnect_backoff_ms": 50,
      "grpc.max_reconnect_backoff_ms": 250,
      // Clients whose options are equal share their connection: this one's services shall, an abandoned one's not.
      "grpc.primary_user_agent": `shakenfist/${randomUUID()}`,
    },
  });
}

const credentialsOf = ({ ca, cert, key }: Tls) => ({
  rootCertificate: ca,
  ...(cert === undefined || key === undefined ? {} : { certChain: cert, privateKey: key }),
});

const faults: Faults = {
  isOutage: (error) =>
    !(error instanceof GRPCInvalidArgumentError) &&
    !(error instanceof GRPCOutOfRangeError) &&
    !(error instanceof EtcdLeaseInvalidError),

  neverSent: (error) => /No connection established|Channel has been shut down/.test(messageOf(error)),

  wrap(subject, cause) {
    const text = messageOf(cause);
    if (text.includes("request is too large")) {
      return new CloudError("too_large", `store: ${subject}: too large`, { cause });
    }
    const kind = cause instanceof GRPCInvalidArgumentError ? "internal" : "unavailable";
    return new CloudError(kind, `store: ${subject}: ${text}`, { cause });
  },
};

function isLeaseGone(error: unknown): boolean {
  return error instanceof CloudError && error.cause instanceof EtcdLeaseInvalidError;
}
