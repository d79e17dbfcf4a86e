// Real guests that tell what they can reach: each runs its checks again and again and writes the outcome to its console.
import type { ApiClient } from "#shared/api/client.ts";
import type { Instance } from "#shared/api/types.ts";
import { eventually } from "./await.ts";

const BOOT_MS = 180_000;
const ROUNDS = 300;

/** A shell command of the tiny guest by the name under which its outcome is told. */
export type Checks = Readonly<Record<string, string>>;
export type Outcomes = Record<string, string>;

export const ping = (address: string, bytes = 56): string => `ping -c 1 -W 1 -s ${bytes} ${address}`;
/** Whether something there accepts a connection. */
export const connects = (address: string, port: number): string => `nc -w 1 ${address} ${port} </dev/null`;

/** User data, base64. An outcome is yes or no; `mtu` is that of the first interface. */
export function checking(checks: Checks): string {
  const each = Object.entries(checks).map(
    ([name, command]) =>
      `if ${command} >/dev/null 2>&1; then line="$line ${name}=yes"; else line="$line ${name}=no"; fi`,
  );
  const script = `#!/bin/sh
round=0
while [ $round -lt ${ROUNDS} ]; do
  round=$((round + 1)) line=
  ${each.join("\n  ")}
  echo "checks $round:$line mtu=$(cat /sys/class/net/eth0/mtu) end"
  sleep 1
done
`;
  return Buffer.from(script).toString("base64");
}

/** Resolves when what the guest last told is as expected; rejects with what it told instead. */
export async function tells(api: ApiClient, guest: Instance, expected: Outcomes): Promise<void> {
  let last = "nothing";
  const isSo = async () => {
    const text = String(await api.getConsoleData(guest.uuid, 20_000));
    last = [...text.matchAll(/^checks \d+:(.*) end/gm)].at(-1)?.[1]?.trim() ?? last;
    const told = new Set(last.split(" "));
    return Object.entries(expected).every(([name, value]) => told.has(`${name}=${value}`)) || undefined;
  };
  await eventually(`${guest.name} tells ${JSON.stringify(expected)}`, BOOT_MS, isSo).catch((error: Error) => {
    throw new Error(`${error.message}; it told: ${last}`);
  });
}

/** Resolves with a line that the guest writes from now on, and so knows what is the case now. */
export async function tellsNext(api: ApiClient, guest: Instance, expected: Outcomes): Promise<void> {
  const rounds = async () =>
    Number(
      [...String(await api.getConsoleData(guest.uuid, 20_000)).matchAll(/^checks (\d+):/gm)].at(-1)?.[1] ?? 0,
    );
  const now = await rounds();
  await eventually(`${guest.name} looks again`, BOOT_MS, async () => (await rounds()) > now + 1 || undefined);
  await tells(api, guest, expected);
}
