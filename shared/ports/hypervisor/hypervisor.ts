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

/** "none": nothing is known of one. */
export type Backup =
  | { readonly state: "running"; readonly percent: number }
  | { readonly state: "done" | "none" }
  | { readonly state: "failed"; readonly reason: string };

export type PowerListener = (domain: Domain) => void;
export type RebootListener = (domain: Pick<Domain, "uuid">) => void;

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
  /** All of these take the state that is asked for as success. `paused`: one that is off stands still from its first instruction on. */
  start(uuid: string, options?: { paused?: boolean }): Promise<void>;
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
  /**
   * Begins to copy what the disks of a domain that is not off hold at this moment, all at once, while it goes on. The XML,
   * itself a file, names the files, which must not be there yet and must not be touched until it is over.
   */
  beginBackup(uuid: string, xmlFile: string): Promise<void>;
  /** What became of the last one. How one ended is told once only; a domain that goes off ends it. */
  getBackup(uuid: string): Promise<Backup>;
  /** Ends one that is under way, if there is; resolves once its files are let go of. What it wrote stays. */
  endBackup(uuid: string): Promise<void>;
  /** Power changes as libvirt reports them. Returns the way to stop listening. */
  onPower(listener: PowerListener): () => void;
  /** Each time a guest starts anew without having been off, whoever wanted that; guests can bring it about as often as they like. */
  onReboot(listener: RebootListener): () => void;
  /** Called each time libvirt can be asked again after it could not: what happened meanwhile must be read. */
  onReturn(listener: () => void): () => void;
  close(): Promise<void>;
}
