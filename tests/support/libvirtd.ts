// A libvirtd (and virtlogd) of the test's own, inside the sandbox: started, killed, frozen, thawed and started again.
// Guests that still run when the test ends go with the sandbox.
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, watch, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
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

/** Starts both daemons and resolves when libvirtd answers. Only inside `enterSandbox`. */
export async function startLibvirtd(): Promise<Libvirtd> {
  if (process.env["SF_TEST_SANDBOX"] !== "1") throw new Error("libvirtd may run only inside the sandbox");
  prepareHost();
  const virtlogd = spawn("virtlogd", [], { stdio: "ignore" });
  await existence("/run/libvirt/virtlogd-sock");
  let libvirtd = await startDaemon();

  return {
    uri: URI,
    kill: () => end(libvirtd, "SIGKILL"),
    freeze: () => void libvirtd.kill("SIGSTOP"),
    thaw: () => void libvirtd.kill("SIGCONT"),
    async start() {
      libvirtd = await startDaemon();
    },
    async stop() {
      await end(libvirtd, "SIGKILL");
      await end(virtlogd, "SIGKILL");
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

async function startDaemon(): Promise<ChildProcess> {
  const daemon = spawn("libvirtd", [], { stdio: "ignore" });
  await once(daemon, "spawn");
  await existence("/run/libvirt/libvirt-sock");
  await answer();
  return daemon;
}

/** A killed daemon leaves its socket behind, so a refused connection may still turn into an answer. */
async function answer(): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    try {
      await run("virsh", ["-q", "-c", URI, "hostname"], { timeout: 20_000 });
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

function existence(path: string): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(dirname(path), (_event, name) => {
      if (name === basename(path)) found();
    });
    if (existsSync(path)) found();
    function found(): void {
      watcher.close();
      resolve();
    }
  });
}

async function end(daemon: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  const gone = once(daemon, "exit");
  daemon.kill(signal);
  await gone;
}
