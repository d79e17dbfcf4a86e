// Why no node can take an instance, node by node: for whoever asked, and in the log for the operator.
import type { Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import type { Entry } from "../ports/store/store.ts";
import { candidateOf } from "./candidates.ts";
import type { Wish } from "./placement.ts";
import { NODES, type NodeRecord } from "./record.ts";
import { RULES } from "./rules.ts";

/** More are counted only. */
const TOLD = 10;

/** `words` open it: clients know them. */
export function explain(cloud: Cloud, words: string, wish: Wish): CloudError {
  const { placedOn, need } = wish;
  const nodes = cloud.store.mirror
    .list<NodeRecord>(NODES)
    .filter(({ value }) => placedOn === undefined || value.name === placedOn);
  const told = nodes.slice(0, TOLD).map((record) => `${record.value.name} ${reason(cloud, record, wish)}`);
  const more = nodes.length > TOLD ? [`and ${nodes.length - TOLD} more`] : [];
  const head = placedOn === undefined ? "no node fits" : "the node that is asked for does not fit";
  const message = `${words}: ${head}: ${[...told, ...more].join(", ")}`;
  cloud.log.info({ ...need, placed_on: placedOn ?? null }, message);
  return new CloudError("insufficient", message);
}

function reason(cloud: Cloud, record: Entry<NodeRecord>, wish: Wish): string {
  if (record.value.removing === true) return "is being removed";
  const candidate = candidateOf(cloud, record);
  if (candidate === undefined) return "is away";
  if (record.value.cordoned === true) return "is cordoned";
  for (const rule of RULES) {
    const shortage = rule.shortage(cloud, candidate, wish);
    if (shortage > 0) return rule.says(shortage, candidate);
  }
  return "had room a moment ago";
}
