// A libvirtd (and virtlogd) of the test's own, inside the sandbox: started, killed, frozen, thawed and started again.
// Guests that still run when the test ends go with the sandbox.
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Libvirtd {
  readonly uri: string;
  /** As a crash: guests live on. */
  kill(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** Resolves when it answers. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const URI = "qemu:///system";
const RUN = "/run/libvirt";

/** Starts both daemons and resolves when libvirtd answers. Only inside `enterSandbox`. */
export async function startLibvirtd(): Promise<Libvirtd> {
  if (process.env.SF_TEST_SANDBOX !== "1") throw new Error("libvirtd may run only inside the sandbox");
  prepareHost();
  const virtlogd = await startDaemon("virtlogd", "virtlogd-sock");
  let libvirtd = await startAnswering();

  return {
    uri: URI,
    kill: () => end(libvirtd),
    freeze: () => void libvirtd.kill("SIGSTOP"),
    thaw: () => void libvirtd.kill("SIGCONT"),
    async start() {
      libvirtd = await startAnswering();
    },
    async stop() {
      await end(libvirtd);
      await end(virtlogd);
    },
  };
}

/** What libvirt finds outside of its own directories: definitions, settings, cgroups, and KVM as udev would set it up. */
function prepareHost(): void {
  if (existsSync("/run/libvirt/prepared")) return;
  writeFileSync("/run/libvirt/prepared", "");
  execFileSync("mount", ["-t", "tmpfs", "tmpfs", "/etc/libvirt/qemu"]);
  writeFileSync("/run/libvirt/qemu.conf", "cgroup_controllers = [ ]\n");
  execFileSync("mount", ["--bind", "/run/libvirt/qemu.conf", "/etc/libvirt/qemu.conf"]);
  if (!existsSync("/dev/kvm")) return;
  execFileSync("mknod", ["--mode=660", "/run/libvirt/kvm", "c", "10", "232"]);
  execFileSync("chgrp", ["kvm", "/run/libvirt/kvm"]);
  execFileSync("mount", ["--bind", "/run/libvirt/kvm", "/dev/kvm"]);
}

async function startAnswering(): Promise<ChildProcess> {
  const daemon = await startDaemon("libvirtd", "libvirt-sock");
  await run("virsh", ["-q", "-c", URI, "list"], { timeout: 20_000 });
  return daemon;
}

/**
 * Resolves when it accepts connections, which no event tells: the socket's file appears before that. Its pid file is
 * kept apart, as /run itself is shared by all sandboxes.
 */
async function startDaemon(program: string, socket: string): Promise<ChildProcess> {
  const daemon = spawn(program, ["--pid-file", `${RUN}/${program}.pid`], { stdio: "ignore" });
  const deadline = Date.now() + 20_000;
  while (!(await accepts(`${RUN}/${socket}`))) {
    if (daemon.exitCode !== null || Date.now() > deadline) throw new Error(`${program} did not start`);
    await setTimeout(10);
  }
  return daemon;
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

async function end(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  const gone = once(daemon, "exit");
  daemon.kill("SIGKILL");
  await gone;
}
