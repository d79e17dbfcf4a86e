// Removes a node that does not come back, and with it the instances that were on it.
import { http } from "#runtime/define.ts";
import { Uuids } from "#shared/api/schemas.ts";
import { removeNode } from "#shared/instances/remove-node.ts";
import { nodeLockName, theNode } from "#shared/nodes/remove.ts";

export default http({
  summary: "Remove a node",
  description:
    "Only one that is away, and not the network node. Its instances end in `error`, and what they held is free; nothing of them is moved. Answers their UUIDs. A machine that comes back later joins as a new node, and ends its guests of then.",
  access: "system",
  find: theNode,
  lock: ({ value }) => nodeLockName(value.name),
  run: ({ cloud, found }) => removeNode(cloud, found.value.name),
  answer: Uuids,
});
