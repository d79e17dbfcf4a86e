// The store's contract on the backend in memory.
import { Memory } from "#shared/ports/store/memory.ts";
import { faultSuite } from "./faults.suite.ts";
import { lockSuite } from "./lock.suite.ts";
import { storeSuite } from "./store.suite.ts";
import { upkeepSuite } from "./upkeep.suite.ts";
import type { World } from "./world.ts";

async function begin(): Promise<World> {
  const memory = new Memory();
  return {
    connect: (prefix, deadline_ms) => memory.connect({ prefix, deadline_ms }),
    freeze: () => memory.freeze(),
    thaw: () => memory.revive(),
    kill: async () => memory.kill(),
    restart: async () => memory.revive(),
    stop: async () => undefined,
  };
}

storeSuite("memory", begin);
lockSuite("memory", begin);
faultSuite("memory", begin);
upkeepSuite("memory", begin);
