// What the quick start makes through the API: a key to log in with, a network and an instance on it.
import { join } from "node:path";
import { ApiClient } from "#shared/api/client.ts";
import type { Instance, InstanceRequest } from "#shared/api/types.ts";
import { makeKey, readCredentials, writeCredentials } from "./credentials.ts";
import { apiUrl } from "./parts.ts";
import type { QuickStart } from "./quick-start.ts";

export const NETWORK = "quick-start";
export const INSTANCE = "quick-start-1";
const NETBLOCK = "10.0.0.0/24";
const KEY_NAME = "quick-start";

/** A logged-in client: by the credentials of the last start, or by new ones of the namespace system. */
export async function ensureCredentials(quick: QuickStart): Promise<ApiClient> {
  const last = await readCredentials(quick.state.credentials);
  if (last !== undefined && last.apiurl === apiUrl(quick)) {
    const client = new ApiClient({ url: last.apiurl, ...last });
    if (
      await client.listNodes().then(
        () => true,
        () => false,
      )
    )
      return client;
  }
  const credentials = { namespace: "system", key: makeKey(), apiurl: apiUrl(quick) };
  await quick.runtime(["set-key", credentials.namespace, KEY_NAME], credentials.key);
  const { home, state } = quick.places;
  const paths = { preferred: join(home, ".shakenfist"), spare: join(state, ".shakenfist") };
  quick.state.credentials = await writeCredentials(credentials, paths, quick.state.credentials);
  await quick.save();
  return new ApiClient({ url: credentials.apiurl, ...credentials });
}

/** Answers with the network's uuid. */
export async function ensureNetwork(client: ApiClient): Promise<string> {
  const known = (await client.listNetworks()).find(
    ({ name, state }) => name === NETWORK && state !== "error",
  );
  if (known !== undefined) return known.uuid;
  const request = { name: NETWORK, netblock: NETBLOCK, provide_dhcp: true, provide_nat: true };
  return (await client.createNetwork(request)).uuid;
}

/** The instance, created and powered on, and since when (s) a login prompt of it counts. */
export async function ensureInstance(
  client: ApiClient,
  network: string,
  image: { readonly url: string; readonly memory_mib: number },
): Promise<{ instance: Instance; since: number }> {
  const since = Date.now() / 1000;
  const known = (await client.listInstances()).find(({ name }) => name === INSTANCE);
  if (known !== undefined) {
    const instance = await client.awaitCreated(known, 60_000);
    if (instance.state === "created" && instance.power_state === "on") return { instance, since: 0 };
    if (instance.state === "created") {
      await client.actOnInstance(instance.uuid, "poweron");
      return { instance, since };
    }
    await client.deleteInstance(instance.uuid);
  }
  const request: InstanceRequest = {
    name: INSTANCE,
    cpus: 1,
    memory: image.memory_mib,
    disk: [{ size: 8, base: image.url, bus: null, type: "disk" }],
    network: [{ network_uuid: network }],
  };
  const instance = await client.awaitCreated(await client.createInstance(request));
  if (instance.state === "created") return { instance, since };
  throw new Error(
    `instance ${INSTANCE} is ${instance.state}: ${instance.error_message ?? "no reason is known"}`,
  );
}

/** Waits until the guest shows its login prompt. */
export async function awaitPrompt(
  quick: QuickStart,
  client: ApiClient,
  instance: Instance,
  since: number,
  withinMs: number,
): Promise<void> {
  const hasPrompt = async () => {
    const events = await client.listEvents("instances", instance.uuid);
    return events.some(({ message, timestamp }) => message === "login prompt" && timestamp >= since);
  };
  await quick.await(hasPrompt, withinMs, async () => {
    const tail = (await client.getConsoleData(instance.uuid, 1000)).toString();
    return `no login prompt after ${withinMs / 1000} s; the end of its console:\n${tail}`;
  });
}
