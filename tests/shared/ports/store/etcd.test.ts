// The store's contract on a real etcd.
import { openEtcd } from "#shared/ports/store/etcd.ts";
import { startEtcd } from "../../../support/etcd.ts";
import { faultSuite } from "./faults.suite.ts";
import { lockSuite } from "./lock.suite.ts";
import { storeSuite } from "./store.suite.ts";
import { upkeepSuite } from "./upkeep.suite.ts";
import type { World } from "./world.ts";

async function begin(): Promise<World> {
  const etcd = await startEtcd();
  const connect = (prefix: string, deadline_ms: number) =>
    openEtcd({ hosts: [etcd.host], prefix, deadline_ms });
  return { ...etcd, connect };
}

storeSuite("etcd", begin);
lockSuite("etcd", begin);
faultSuite("etcd", begin);
upkeepSuite("etcd", begin);
