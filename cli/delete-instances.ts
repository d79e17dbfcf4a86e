// Deletes all instances of a namespace and waits until they are gone: a network with one left cannot be deleted.
import type { ApiClient } from "#shared/api/client.ts";
import type { Output } from "./output.ts";

const WAIT_MS = 300_000;

export async function deleteInstances(api: ApiClient, out: Output, namespace: string | null): Promise<void> {
  const uuids = await api.deleteAllInstances(namespace);
  const end = performance.now() + WAIT_MS;
  for (const uuid of uuids) {
    const isGone = await api.awaitDeleted(uuid, Math.max(0, end - performance.now()));
    if (!isGone) out.warn(`instance ${uuid} is still being deleted`);
  }
}
