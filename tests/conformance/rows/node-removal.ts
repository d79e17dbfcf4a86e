// The removal of nodes: last, as it takes away the one that others are shown with.
import { json, refused } from "../answers.ts";
import type { As, Row } from "../row.ts";

const as: As = "system";
const of = "DELETE /nodes/[node]";

export const nodeRemovals: Row[] = [
  { of, says: "for system alone", gets: refused(401, "unauthorized") },
  { of, says: "no such one", as, ask: "DELETE /nodes/nosuch", gets: refused(404, "node nosuch not found") },
  {
    ...{ of, says: "the network node", as, ask: "DELETE /nodes/{node}" },
    gets: refused(409, /^node sf-test: is the network node, .*SHAKENFIST_NETWORK_NODE_IP/),
  },
  { of, says: "one that is away", as, ask: "DELETE /nodes/ghost", gets: json([]) },
  {
    ...{ of, says: "one that is gone", as, ask: "DELETE /nodes/ghost" },
    gets: refused(404, "node ghost not found"),
  },
  {
    ...{ of: "GET /nodes/[node]", says: "one that is gone", as, ask: "GET /nodes/ghost" },
    gets: refused(404, "node ghost not found"),
  },
];
