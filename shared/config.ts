// Every setting of a node in one table: SHAKENFIST_<NAME> in the environment wins over the file (NAME=value lines),
// which wins over the default. Unknown names are warned of, never fatal: the client's variables share the prefix.
import { CloudError } from "./errors.ts";

const PREFIX = "SHAKENFIST_";

interface Setting<T> {
  readonly default: T;
  readonly about: string;
  readonly secret: boolean;
  parse(text: string): T;
}

const text = (fallback: string, about: string): Setting<string> => ({
  default: fallback,
  about,
  secret: false,
  parse: (it) => it,
});
const secret = (about: string): Setting<string> => ({ ...text("", about), secret: true });
const integer = (fallback: number, about: string): Setting<number> => ({
  ...number(fallback, about),
  parse: parseInteger,
});
const positive = (fallback: number, about: string): Setting<number> => ({
  ...number(fallback, about),
  parse: parsePositive,
});
const number = (fallback: number, about: string): Setting<number> => ({
  default: fallback,
  about,
  secret: false,
  parse: parseNumber,
});
const flag = (fallback: boolean, about: string): Setting<boolean> => ({
  default: fallback,
  about,
  secret: false,
  parse: parseFlag,
});
const list = (fallback: readonly string[], about: string): Setting<readonly string[]> => ({
  default: fallback,
  about,
  secret: false,
  parse: (it) => it.split(/[\s,]+/).filter((part) => part !== ""),
});
const choice = <T extends string>(options: readonly T[], fallback: T, about: string): Setting<T> => ({
  default: fallback,
  about: `${about} (${options.join(", ")})`,
  secret: false,
  parse(it) {
    const found = options.find((option) => option === it);
    if (found === undefined) throw new Error(`must be one of ${options.join(", ")}`);
    return found;
  },
});

/** The settings, a line each; names and defaults of v0.3 where it had them. */
export const settings = {
  API_PORT: integer(13000, "port of the REST API, on every node"),
  API_ADDRESS: text("0.0.0.0", "address that the REST API listens on"),
  API_TIMEOUT: integer(900, "longest request, s"),
  API_ASYNC_WAIT: integer(30, "how long a create or delete is waited for before it is answered, s"),
  SNAPSHOT_TIMEOUT: positive(21_600, "longest that a snapshot may take, s"),
  INCLUDE_TRACEBACKS: flag(false, "stack traces in the answers to failed requests"),
  PROMETHEUS_METRICS_PORT: integer(13001, "port of the Prometheus metrics, at the node's address; 0: none"),
  AUTH_SECRET_SEED: secret("signs the tokens; empty: made at first start and kept in the store"),
  ETCD_HOSTS: list(["127.0.0.1:2379"], "host:port of each etcd member"),
  ETCD_CA_FILE: text("", "certificate of the authority of etcd (PEM); given: etcd is spoken to by TLS"),
  ETCD_CERT_FILE: text("", "certificate by which etcd knows this node (PEM), where it asks for one"),
  ETCD_KEY_FILE: text("", "key of that certificate (PEM)"),
  ETCD_PREFIX: text("/shakenfist", "everything in etcd stands below this"),
  LIBVIRT_URI: text("qemu:///system", "where libvirt listens"),
  VIRT_TYPE: choice(["auto", "kvm", "qemu"], "auto", "how guests run; auto: kvm where /dev/kvm can be used"),
  CONSOLE_ADDRESS: text("127.0.0.1", "address that serial consoles and VNC listen on"),
  CONSOLE_PORTS: text("30000-32767", "ports for consoles and VNC; keep outside the kernel's ephemeral range"),
  CONSOLE_LOG_MIB: positive(16, "how much of what a guest wrote to its serial console is kept, MiB"),
  CONSOLE_STREAMS: positive(256, "how many consoles of a node's guests may be followed at once"),
  SCHEDULER_CACHE_TIMEOUT: integer(5, "how often a node publishes its metrics, s"),
  CPU_OVERCOMMIT_RATIO: number(16, "vCPUs per CPU"),
  RAM_OVERCOMMIT_RATIO: number(1.5, "memory of all guests over memory of the node"),
  RAM_SYSTEM_RESERVATION: number(5, "memory kept for the host, GiB"),
  FLOATING_NETWORK: text("192.168.20.0/24", "block of the floating addresses"),
  GUESTS_REACH_NODES: flag(false, "guests with NAT may open connections to nodes and etcd"),
  NETWORK_NODE_IP: text("", "NODE_IP of the network node; empty: this node"),
  CLEANER_DELAY: integer(3600, "how long deleted and failed objects stay readable, s"),
  ZONE: text("shaken", "availability zone and DHCP domain"),
  DNS_SERVER: text("8.8.8.8", "name server told to guests"),
  DOWNLOAD_URL_CIRROS: text(
    "http://download.cirros-cloud.net/%(vernum)s/cirros-%(vernum)s-x86_64-disk.img",
    "where cirros images come from",
  ),
  DOWNLOAD_URL_UBUNTU: text(
    "https://cloud-images.ubuntu.com/%(vername)s/current/%(vername)s-server-cloudimg-amd64.img",
    "where ubuntu images come from",
  ),
  DOWNLOAD_URL_DEBIAN: text(
    "https://cloud.debian.org/images/cloud/%(vername)s/latest/debian-%(vernum)s-generic-amd64.qcow2",
    "where debian images come from",
  ),
  IMAGE_URL_ALLOW: list(
    [],
    "internal addresses that images may be fetched from: blocks (CIDR), addresses, host names; the latter two also with :port",
  ),
  IMAGE_MAX_GIB: number(50, "largest image that is fetched, GiB"),
  IMAGE_MAX_VIRTUAL_GIB: number(
    2048,
    "largest disk that an image may be of, however little of it is used, GiB",
  ),
  IMAGE_CACHE_GIB: number(100, "size of a node's image cache, GiB; 0: no limit"),
  IMAGE_TIMEOUT: integer(3600, "longest fetch of an image, s"),
  DISK_BUS: choice(["virtio", "ide", "scsi", "usb"], "virtio", "bus of disks that name none"),
  DISK_FORMAT: choice(["qcow", "qcow_flat", "flat"], "qcow", "how disks are made"),
  NODE_NAME: text("", "name of this node; empty: the host's full name"),
  NODE_IP: text("", "address of this node in the mesh; empty: that of NODE_EGRESS_NIC"),
  NODE_EGRESS_NIC: text("eth0", "interface towards the world and the other nodes"),
  STORAGE_PATH: text("/srv/shakenfist", "directory of instances, snapshots, image_cache and dhcp"),
  TEMPLATE_PATH: text("", "directory whose templates replace the built-in ones of the same name"),
  FUNCTIONS: text("", "directory of the site's own functions"),
  LOGLEVEL: choice(["debug", "info", "warn", "error"], "info", "what is logged"),
  SLOW_LOCK_THRESHOLD: number(5, "a lock waited for longer is logged, s"),
  FAILPOINT: text(
    "",
    "for tests of crashes: <job>:<step>:<kill-before|kill-after|twice|fail-once|fail-always>",
  ),
} as const;

export type Config = { readonly [Name in keyof typeof settings]: (typeof settings)[Name]["default"] };

/** Settings of v0.3 that this version has no use for: accepted in silence. */
const retired = new Set([
  "API_COMMAND_LINE",
  "LOG_METHOD_TRACE",
  "NAMESPACE",
  "KEY",
  "API_URL",
  "CONFIG",
  ...["API", "CLEANER", "MAIN", "NET", "RESOURCES", "TRIGGERS", "QUEUES"].map((it) => `LOGLEVEL_${it}`),
]);

/**
 * The configuration from the environment and the text of the file. Rejects a value that cannot be read with CloudError
 * "malformed" naming the setting; answers with a warning for each unknown name.
 */
export function readConfig(
  environment: Readonly<Record<string, string | undefined>>,
  fileText = "",
): { config: Config; warnings: string[] } {
  const warnings: string[] = [];
  const values: Record<string, unknown> = Object.fromEntries(
    Object.entries(settings).map(([name, setting]) => [name, setting.default]),
  );
  const given = [...parseFile(fileText, warnings), ...Object.entries(environment)];
  for (const [variable, value] of given) {
    if (value === undefined || !variable.startsWith(PREFIX)) continue;
    const name = variable.slice(PREFIX.length);
    const setting = Object.hasOwn(settings, name) ? settings[name as keyof typeof settings] : undefined;
    if (setting !== undefined) values[name] = parse(variable, setting, value);
    else if (!retired.has(name)) warnings.push(`${variable}: no such setting, ignored`);
  }
  return { config: values as unknown as Config, warnings };
}

/** One row a setting for people: the name, its value (secrets masked), whether it is the default, what it is. */
export function describeConfig(
  config: Config,
): { name: string; value: string; changed: boolean; about: string }[] {
  return Object.entries(settings).map(([name, setting]) => {
    const value = config[name as keyof Config];
    const shown = Array.isArray(value) ? value.join(",") : String(value);
    return {
      name: PREFIX + name,
      value: setting.secret && shown !== "" ? "********" : shown,
      changed: String(value) !== String(setting.default),
      about: setting.about,
    };
  });
}

function* parseFile(fileText: string, warnings: string[]): Generator<[string, string]> {
  for (const [index, line] of fileText.split("\n").entries()) {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    const match = /^(?:export\s+)?(?:SHAKENFIST_)?([A-Z_]+)\s*=\s*(.*)$/.exec(trimmed);
    if (match?.[1] === undefined)
      warnings.push(`line ${index + 1} of the configuration file is not NAME=value, ignored`);
    else yield [PREFIX + match[1], (match[2] ?? "").replace(/^(["'])(.*)\1$/, "$2")];
  }
}

function parse(variable: string, setting: Setting<unknown>, value: string): unknown {
  try {
    return setting.parse(value.trim());
  } catch (error) {
    throw new CloudError("malformed", `${variable}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

function parseInteger(value: string): number {
  if (!/^-?\d+$/.test(value)) throw new Error(`'${value}' is not a whole number`);
  return Number(value);
}

function parsePositive(value: string): number {
  const found = parseInteger(value);
  if (found < 1) throw new Error(`'${value}' is less than 1`);
  return found;
}

function parseNumber(value: string): number {
  if (value === "" || !Number.isFinite(Number(value))) throw new Error(`'${value}' is not a number`);
  return Number(value);
}

function parseFlag(value: string): boolean {
  if (/^(1|true|yes|on)$/i.test(value)) return true;
  if (/^(0|false|no|off|)$/i.test(value)) return false;
  throw new Error(`'${value}' is not true or false`);
}
