// What keeps etcd well: how it is, and forgetting its past.
import type { Etcd3 } from "etcd3";
import { messageOf } from "../../errors.ts";
import type { Members } from "./members.ts";
import type { StoreHealth } from "./store.ts";

/** Each member is asked of itself, the alarms of whichever answers. */
export async function healthOf(members: Members<Etcd3>, deadline_ms: number): Promise<StoreHealth> {
  const { alarms } = await members.read("alarms", ({ maintenance }, options) =>
    maintenance.alarm({}, options),
  );
  const asked = members.map(({ host, client }) =>
    client.maintenance.status({ deadline: Date.now() + deadline_ms }).then(
      ({ dbSize }) => ({ host, failure: null, size: Number(dbSize) }),
      (error: unknown) => ({ host, failure: messageOf(error), size: 0 }),
    ),
  );
  return {
    members: await Promise.all(asked),
    alarms: alarms.map(({ alarm }) => String(alarm).toUpperCase()),
  };
}

export async function compact(members: Members<Etcd3>, revision: number): Promise<void> {
  try {
    await members.read("compact", ({ kv }, options) => kv.compact({ revision }, options));
  } catch (error) {
    if (!messageOf(error).includes("has been compacted")) throw error;
  }
}
