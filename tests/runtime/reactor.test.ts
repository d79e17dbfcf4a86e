import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { Cloud } from "#shared/cloud.ts";
import { silentLog } from "#shared/log.ts";
import type { Reaction } from "../../runtime/define.ts";
import { openReactor } from "../../runtime/reactor.ts";

const told: [string, unknown][] = [];

const reaction = (name: string, event: Reaction["event"], work: () => void | Promise<void> = () => {}) => ({
  name,
  file: "",
  definition: {
    summary: "A test",
    event,
    run: ({ event: it }: { event: unknown }) => {
      told.push([name, it]);
      return work();
    },
  },
});

function emitter(...reactions: ReturnType<typeof reaction>[]) {
  told.length = 0;
  return openReactor({ log: silentLog } as Cloud, reactions);
}

describe("reactor", () => {
  it("emit: wakes every reaction to the event, and no other", () => {
    const emit = emitter(reaction("one", "power"), reaction("two", "console"), reaction("three", "power"));
    emit("power", { uuid: "a", power: "on" });
    const event = { uuid: "a", power: "on" };
    assert.deepEqual(told, [
      ["one", event],
      ["three", event],
    ]);
  });

  it("emit: a reaction that fails or throws does not stop the others, nor whoever tells", async () => {
    const emit = emitter(
      reaction("throws", "power", () => {
        throw new Error("no");
      }),
      reaction("fails", "power", () => Promise.reject(new Error("no"))),
      reaction("well", "power"),
    );
    emit("power", { uuid: "a", power: "off" });
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(
      told.map(([name]) => name),
      ["throws", "fails", "well"],
    );
  });
});
