// The hypervisor of this node, at the height the domain needs: domains by instance UUID, and when their power changes.
// Only domains whose name begins with "sf:" exist for us; those of others are never listed and never touched.

export type PowerState = "on" | "off" | "paused" | "crashed";

export interface Domain {
  uuid: string;
  power: PowerState;
}

/** Of all running domains of the host, those of others too: they use it as ours do. */
export interface Usage {
  domains: number;
  vcpus: number;
  /** What they may use at most, and what they have now; MiB. */
  memory_max_mib: number;
  memory_mib: number;
  /** Since each began. */
  cpu_time_ns: number;
}

export type PowerListener = (domain: Domain) => void;

/**
 * Every call has a deadline and rejects with CloudError: "unavailable" when libvirt cannot be asked (down, frozen, restarting),
 * "internal" with libvirt's own words when it refuses. Unknown is never read as gone: only a positive "no such domain" makes
 * `getDomain` answer undefined, and a list is never empty because of silence.
 */
export interface Hypervisor {
  listDomains(): Promise<Domain[]>;
  /** A domain that ends meanwhile is left out. */
  usage(): Promise<Usage>;
  getDomain(uuid: string): Promise<Domain | undefined>;
  /** Makes or replaces the definition; the XML carries name and uuid. */
  define(xml: string): Promise<void>;
  /** All of these take the state that is asked for as success. */
  start(uuid: string): Promise<void>;
  /** Cuts the power at once. An absent domain is off. */
  powerOff(uuid: string): Promise<void>;
  undefine(uuid: string): Promise<void>;
  /** Removes what the hypervisor wrote down about a domain that is gone. */
  removeLogs(uuid: string): Promise<void>;
  pause(uuid: string): Promise<void>;
  unpause(uuid: string): Promise<void>;
  /** Presses the ACPI power button with the wish to come up again. */
  rebootSoft(uuid: string): Promise<void>;
  rebootHard(uuid: string): Promise<void>;
  /** Power changes as libvirt reports them. Returns the way to stop listening. */
  onPower(listener: PowerListener): () => void;
  /** Called each time libvirt can be asked again after it could not: what happened meanwhile must be read. */
  onReturn(listener: () => void): () => void;
  close(): Promise<void>;
}
