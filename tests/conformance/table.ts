// Every row, in the order in which they are asked: later ones use what earlier ones made.
import type { Group, Row } from "./row.ts";
import { auth } from "./rows/auth.ts";
import { create } from "./rows/create.ts";
import { deleteAll } from "./rows/delete-all.ts";
import { images } from "./rows/images.ts";
import { instanceDeletions, instances } from "./rows/instances.ts";
import { interfaces } from "./rows/interfaces.ts";
import { namespaceKeys } from "./rows/keys.ts";
import { metadata } from "./rows/metadata.ts";
import { namespaceDeletions, namespaces } from "./rows/namespaces.ts";
import { networkDeletions, networks } from "./rows/networks.ts";
import { nodeRemovals } from "./rows/node-removal.ts";
import { nodes } from "./rows/nodes.ts";
import { system } from "./rows/system.ts";
import { transport } from "./rows/transport.ts";

export const groups: readonly Group[] = [
  ["transport", transport],
  ["authentication", auth],
  ["namespaces", namespaces],
  ["keys", namespaceKeys],
  ["system", system],
  ["nodes", nodes],
  ["deleting namespaces", namespaceDeletions],
  ["networks", networks],
  ["creating instances", create],
  ["instances", instances],
  ["metadata", metadata],
  ["interfaces and snapshots", interfaces],
  ["images", images],
  ["deleting instances", instanceDeletions],
  ["deleting networks", networkDeletions],
  ["deleting everything", deleteAll],
  ["removing nodes", nodeRemovals],
];

export const rows: readonly Row[] = groups.flatMap(([, each]) => each);
