// Who holds which lock of the cloud.
import { http } from "#runtime/define.ts";
import { Locks } from "#shared/api/schemas.ts";
import type { Lock } from "#shared/api/types.ts";

const STORED = "lock/";
/** What clients know the paths of locks by. */
const SHOWN = "/sflocks/";

export default http({
  summary: "List the locks that are held",
  access: "system",
  answer: Locks,
  run: ({ cloud }) =>
    Object.fromEntries(
      cloud.store.mirror
        .list<Lock>(STORED)
        .map(({ key, value: { node, pid, operation } }) => [
          SHOWN + key.slice(STORED.length),
          { node, pid, operation },
        ]),
    ),
});
