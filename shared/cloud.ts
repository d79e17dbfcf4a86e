// What every function is handed: the cloud as seen from this node. Nothing in the domain reaches the world any other way.
import type { Clock } from "./clock.ts";
import type { Config } from "./config.ts";
import type { Fetches } from "./images/fetches.ts";
import type { Log } from "./log.ts";
import type { Memo } from "./memo.ts";
import type { Mutex } from "./mutex.ts";
import type { KeyChecker } from "./namespaces/keys.ts";
import type { Tokens } from "./namespaces/tokens.ts";
import type { Passes } from "./nodes/passes.ts";
import type { PresenceKeeper } from "./nodes/presence.ts";
import type { Exec } from "./ports/exec/exec.ts";
import type { Http } from "./ports/http/http.ts";
import type { Hypervisor } from "./ports/hypervisor/hypervisor.ts";
import type { Network } from "./ports/network/network.ts";
import type { Store } from "./ports/store/store.ts";

/** This node among the others. */
export interface NodeIdentity {
  readonly name: string;
  /** Its address in the mesh. */
  readonly ip: string;
}

export type ObjectType = "instance" | "network" | "image" | "node";

/** One line of an object's history, as the wire shows it. */
export interface NewEvent {
  operation: string | null;
  phase: string | null;
  message?: string | null;
  /** Seconds. */
  duration?: number | null;
}

/** Events are written in batches, off the path of whoever records them. */
export interface EventWriter {
  record(type: ObjectType, uuid: string, event: NewEvent): void;
  /** Resolves when everything recorded so far can be read, or could not be written. */
  flush(): Promise<void>;
}

export interface Cloud {
  readonly node: NodeIdentity;
  readonly version: string;
  readonly config: Config;
  /** MTU of the guests: the underlay's less what VXLAN adds. */
  readonly mtu: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Store;
  readonly hypervisor: Hypervisor;
  readonly network: Network;
  readonly exec: Exec;
  readonly http: Http;
  readonly events: EventWriter;
  readonly presence: PresenceKeeper;
  readonly tokens: Tokens;
  readonly passes: Passes;
  readonly keys: KeyChecker;
  readonly memo: Memo;
  /** Orders work on one thing inside this process. */
  readonly mutex: Mutex;
  /** What this node fetches now. */
  readonly fetches: Fetches;
  /** Fills a template of the site, or the built-in one, with values. */
  render(template: string, values: Record<string, unknown>): string;
}

/** Who asks. The namespace `system` may do everything. */
export interface Caller {
  readonly namespace: string;
}

export const SYSTEM = "system";

export const isSystem = (caller: Caller): boolean => caller.namespace === SYSTEM;
