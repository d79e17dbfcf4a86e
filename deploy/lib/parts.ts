// The programs of the quick start: each is left alone if it runs, and started if it does not.
import { join } from "node:path";
import { messageOf } from "#shared/errors.ts";
import { requireFreePort } from "./ports.ts";
import { apiAnswers, etcdHealth, isServed, listens } from "./probes.ts";
import { CHECKOUT, NODE_PROGRAM, type QuickStart } from "./quick-start.ts";
import { run } from "./run.ts";
import { OWN_ETCD } from "./settings.ts";

const IMAGE_PORT = 13002;
const ETCD_PEER_PORT = 2380;
const VIRTLOGD_SOCKET = "/run/libvirt/virtlogd-sock";

/** Uses the etcd that the user named, else runs one on loopback. */
export async function ensureEtcd(quick: QuickStart): Promise<string> {
  if (!quick.state.ownEtcd) return useEtcd(quick.config.ETCD_HOSTS);
  if (quick.isRunning("etcd")) return `runs already on ${OWN_ETCD}`;
  await requireFreePort(
    "127.0.0.1",
    Number(OWN_ETCD.split(":")[1]),
    "etcd",
    "SHAKENFIST_ETCD_HOSTS (to use that etcd)",
  );
  await requireFreePort("127.0.0.1", ETCD_PEER_PORT, "etcd", "SHAKENFIST_ETCD_HOSTS (to use that etcd)");
  const peer = `http://127.0.0.1:${ETCD_PEER_PORT}`;
  const client = `http://${OWN_ETCD}`;
  const args = [
    ...["--name", "quick-start", "--data-dir", join(quick.places.state, "etcd"), "--log-outputs", "stderr"],
    ...["--listen-client-urls", client, "--advertise-client-urls", client],
    ...[
      "--listen-peer-urls",
      peer,
      "--initial-advertise-peer-urls",
      peer,
      "--initial-cluster",
      `quick-start=${peer}`,
    ],
    ...["--auto-compaction-mode", "periodic", "--auto-compaction-retention", "30m"],
  ];
  await quick.startPart(
    "etcd",
    { program: "etcd", args },
    async () => (await etcdHealth(OWN_ETCD)) === "healthy",
  );
  return `started on ${OWN_ETCD}`;
}

async function useEtcd(hosts: readonly string[]): Promise<string> {
  const answers = await Promise.all(hosts.map(async (host) => ({ host, health: await etcdHealth(host) })));
  if (answers.some(({ health }) => health === "healthy")) return `uses ${hosts.join(", ")}`;
  const facts = answers.map(({ host, health }) => `${host}: ${health}`).join("; ");
  throw new Error(
    `etcd cannot be used (${facts}); start it, or unset SHAKENFIST_ETCD_HOSTS to have one run for you`,
  );
}

/** Uses the libvirtd that answers, else runs virtlogd and libvirtd. */
export async function ensureLibvirt(quick: QuickStart): Promise<string> {
  const ask = () => run("virsh", ["-q", "-c", quick.config.LIBVIRT_URI, "version"], { timeoutMs: 10_000 });
  const answers = () =>
    ask().then(
      () => true,
      () => false,
    );
  const trouble = await ask().then(() => undefined, messageOf);
  if (trouble === undefined)
    return quick.isRunning("libvirtd") ? "runs already" : "uses the libvirtd that runs";
  if (trouble.includes("SIGKILL"))
    throw new Error("libvirtd is there and does not answer; restart it and run npm start again");

  if (!(await listens(VIRTLOGD_SOCKET))) {
    const args = ["--pid-file", join(quick.places.state, "virtlogd.pid")];
    await quick.startPart("virtlogd", { program: "virtlogd", args }, () => listens(VIRTLOGD_SOCKET));
  }
  const args = ["--pid-file", join(quick.places.state, "libvirtd.pid")];
  await quick.startPart("libvirtd", { program: "libvirtd", args }, answers);
  return "started";
}

export async function ensureNode(quick: QuickStart): Promise<string> {
  const { API_ADDRESS, API_PORT, PROMETHEUS_METRICS_PORT } = quick.config;
  const answers = () => nodeAnswers(quick);
  if (quick.isRunning("node")) {
    await quick.await(
      answers,
      10_000,
      () => `the node runs and does not answer; run npm stop, then npm start`,
    );
    return `runs already at ${apiUrl(quick)}`;
  }
  await requireFreePort(API_ADDRESS, API_PORT, "the REST API", "SHAKENFIST_API_PORT");
  await requireFreePort(
    API_ADDRESS,
    PROMETHEUS_METRICS_PORT,
    "the metrics",
    "SHAKENFIST_PROMETHEUS_METRICS_PORT",
  );
  quick.undoBy(() => quick.runtime(["teardown"]));
  await quick.startPart(
    "node",
    { program: NODE_PROGRAM, args: [], cwd: CHECKOUT, env: quick.environment() },
    answers,
  );
  return `answers at ${apiUrl(quick)}`;
}

export function apiUrl(quick: QuickStart): string {
  const { API_ADDRESS, API_PORT } = quick.config;
  return `http://${API_ADDRESS === "0.0.0.0" ? "127.0.0.1" : API_ADDRESS}:${API_PORT}`;
}

export function nodeAnswers(quick: QuickStart): Promise<boolean> {
  return apiAnswers(apiUrl(quick));
}

/** Serves the tiny guest's image on loopback. Answers with its URL. */
export async function ensureImageServer(quick: QuickStart, image: string): Promise<string> {
  const url = `http://127.0.0.1:${IMAGE_PORT}/tiny.qcow2`;
  if (quick.isRunning("images") && quick.state.image === image) return url;
  await quick.stopPart("images");
  quick.state.image = image;
  await requireFreePort(
    "127.0.0.1",
    IMAGE_PORT,
    "the tiny guest's image",
    "IMAGE=<url> (an image of your own)",
  );
  const args = ["--import", "tsx", "deploy/serve-image.ts", image, String(IMAGE_PORT)];
  await quick.startPart("images", { program: process.execPath, args, cwd: CHECKOUT }, () => isServed(url));
  return url;
}
