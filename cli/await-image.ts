// Sees the fetches of an image through: the API tells of them only when asked.
import { setTimeout as delay } from "node:timers/promises";
import type { ApiClient } from "#shared/api/client.ts";
import type { Event } from "#shared/api/types.ts";
import { Refusal } from "./errors.ts";
import type { Output } from "./output.ts";
import { fetchInWords } from "./show/image.ts";

const EVERY_MS = 1000;
const FIRST_MS = 100;

/** The newest outcome of a fetch, by node. */
export type Outcomes = ReadonlyMap<string, Event>;

export async function fetchOutcomes(api: ApiClient, url: string): Promise<Outcomes> {
  const events = await api.listImageEvents(url);
  return new Map(events.filter(({ operation }) => operation === "fetch").map((event) => [event.fqdn, event]));
}

/** `nodes`: null for whichever node it is. Throws a Refusal when one fails, or when the time is up. */
export async function awaitFetches(
  { api, out }: { api: ApiClient; out: Output },
  url: string,
  nodes: readonly string[] | null,
  before: Outcomes,
  wait_s: number,
): Promise<void> {
  const end = performance.now() + wait_s * 1000;
  for (let pause_ms = FIRST_MS; ; pause_ms = EVERY_MS) {
    const ended = [...(await fetchOutcomes(api, url))]
      .filter(([node, event]) => event.timestamp !== before.get(node)?.timestamp)
      .map(([, event]) => event);
    const failed = ended.find(({ message }) => message !== "success");
    if (failed !== undefined) throw new Refusal(`${failed.fqdn}: ${failed.message}`);
    const left = nodes?.filter((node) => !ended.some(({ fqdn }) => fqdn === node));
    if (left === undefined ? ended.length > 0 : left.length === 0) return;
    if (performance.now() > end)
      throw new Refusal(`after ${wait_s} s not there yet: ${left?.join(", ") ?? url}`);
    out.progress(await howFar(api, url));
    await delay(pause_ms);
  }
}

async function howFar(api: ApiClient, url: string): Promise<string> {
  const rows = (await api.listImages({ url, all: true })).filter(({ phase }) => phase !== null);
  return rows.length === 0 ? "waiting" : rows.map((row) => `${row.node}: ${fetchInWords(row)}`).join("; ");
}
