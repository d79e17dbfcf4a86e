// Tells of networks on which something changed that the nodes that carry them have to follow.
import type { Cloud } from "../cloud.ts";
import type { MirrorChange } from "../ports/store/store.ts";
import { INTERFACES, type InterfaceRecord } from "./record.ts";

/** Returns the way to stop. */
export function watchInterfaces(cloud: Cloud, tell: (event: { network_uuid: string }) => void): () => void {
  return cloud.store.mirror.watch(INTERFACES, ({ before, after }: MirrorChange) => {
    const [was, is] = [before?.value, after?.value] as (InterfaceRecord | undefined)[];
    const network_uuid = (is ?? was)?.network_uuid;
    if (network_uuid !== undefined && reached(was) !== reached(is)) tell({ network_uuid });
  });
}

/** How a living interface is reached: by which node, and from outside. */
const reached = (record: InterfaceRecord | undefined): string =>
  record === undefined || record.state === "deleted" ? "" : `${record.node} ${record.floating}`;
