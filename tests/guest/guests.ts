// What the guests of the cloud-init test are given, and how they are asked what arrived.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { ApiClient } from "#shared/api/client.ts";
import type { Instance, Network } from "#shared/api/types.ts";
import { eventually } from "../support/await.ts";

export const TEXT = "grüße, 世界";
const BOOT_MS = 1_200_000;
const SSH_MS = 120_000;
const WORDS_SHOWN = 3000;

/** A config that writes a file and, last of all, says so on the console. */
export const CLOUD_CONFIG = `#cloud-config
write_files:
  - path: /srv/from-user-data
    content: "${TEXT}"
runcmd:
  - echo "user data ran on $(hostname)" >/dev/ttyS0
`;

/** Tells every fact on the console. What cloud-init says of itself is known only after the script has ended. */
export const TELLING_SCRIPT = `#!/bin/sh
tell() { printf 'fact %s: %s.\\n' "$1" "$(echo $2)" >/dev/ttyS0; }
tell hostname "$(hostname)"
tell fqdn "$(hostname -f)"
tell addresses "$(ip -o -4 address show | awk '$2 != "lo" { print $2, $4 }')"
tell route "$(ip -4 route show default | awk '{ print $3, $5 }')"
tell file "$(cat /srv/from-user-data 2>/dev/null)"
tell user-data "$(sha256sum </var/lib/cloud/instance/user-data.txt | cut -d ' ' -f 1)"
tell keys "$(cat /home/debian/.ssh/authorized_keys 2>/dev/null | wc -l)"
cat >/run/tell-the-end <<'END'
status=$(cloud-init status --wait --long)
warnings=$(grep -E 'WARNING|ERROR|Traceback' /var/log/cloud-init.log)
for line in "fact status: $(echo $status)." "fact warnings: $(echo $warnings)." "fact end: all told."
do printf '\\n%s\\n' "$line" >/dev/ttyS0; done
END
systemd-run --no-block --quiet sh /run/tell-the-end
`;

export const base64 = (bytes: string | Buffer): string => Buffer.from(bytes).toString("base64");

export const sha256 = (bytes: string | Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** A MIME archive, as `cloud-init devel make-mime` writes it, compressed: bytes that are no text. */
export function compressedArchive(parts: readonly { type: string; text: string }[]): Buffer {
  const boundary = "=====cloud=====";
  const head = `Content-Type: multipart/mixed; boundary="${boundary}"\nMIME-Version: 1.0\n\n`;
  const encoding = "MIME-Version: 1.0\nContent-Transfer-Encoding: base64\n\n";
  const body = parts.map(
    ({ type, text }) => `--${boundary}\nContent-Type: ${type}; charset="utf-8"\n${encoding}${base64(text)}\n`,
  );
  return gzipSync(`${head}${body.join("")}--${boundary}--\n`);
}

export const consoleOf = async (api: ApiClient, { uuid }: Instance): Promise<string> =>
  Buffer.from(await api.getConsoleData(uuid, -1)).toString();

/** What the guest's console has, once it has it. Rejects with the console's last words. */
async function onConsole<T>(
  api: ApiClient,
  guest: Instance,
  what: string,
  find: (text: string) => T | undefined,
): Promise<T> {
  const look = async () => find(await consoleOf(api, guest));
  return eventually(`${guest.name}: ${what}`, BOOT_MS, look).catch(async (error: Error) => {
    const words = (await consoleOf(api, guest)).slice(-WORDS_SHOWN);
    throw new Error(`${error.message}; its console ends with:\n${words}`, { cause: error });
  });
}

/** The facts that the guest told on its console, once it has told all. */
export async function factsOf(api: ApiClient, guest: Instance): Promise<Record<string, string>> {
  const told = (text: string) => (/^fact end: all told\.\r*$/m.test(text) ? text : undefined);
  const text = await onConsole(api, guest, "tells all", told);
  return Object.fromEntries(
    [...text.matchAll(/^fact (\S+): (.*)\.\r*$/gm)].map(([, name, fact]) => [name, fact]),
  );
}

export interface Key {
  file: string;
  public_key: string;
}

export function makeKey(directory: string, name: string): Key {
  const file = join(directory, name);
  const args = ["-q", "-t", "ed25519", "-N", "", "-C", `${name} key of the test`, "-f", file];
  execFileSync("ssh-keygen", args, { timeout: 20_000 });
  return { file, public_key: readFileSync(`${file}.pub`, "utf8") };
}

/** Answers what the command printed. */
export type Shell = (command: string) => string;

/** A way into the guest from the namespace of its network, with a key, to the host key that its console shows. */
export async function logInto(
  api: ApiClient,
  guest: Instance,
  { network, address, key }: { network: Network; address: string; key: Key },
): Promise<Shell> {
  const shown = /BEGIN SSH HOST KEY KEYS-----.*?^(ssh-ed25519 \S+).*?END SSH HOST KEY KEYS/ms;
  const host_key = await onConsole(api, guest, "shows its host key", (text) => shown.exec(text)?.[1]);
  const known = `${key.file}.known`;
  writeFileSync(known, `${address} ${host_key}\n`);
  const options = ["BatchMode=yes", "StrictHostKeyChecking=yes", `UserKnownHostsFile=${known}`];
  options.push("IdentitiesOnly=yes", "ConnectTimeout=60");
  const ssh = ["ssh", "-F", "none", "-i", key.file, ...options.flatMap((option) => ["-o", option])];
  const args = ["netns", "exec", network.uuid, ...ssh, `debian@${address}`];
  return (command) => execFileSync("ip", [...args, command], { encoding: "utf8", timeout: SSH_MS }).trim();
}
