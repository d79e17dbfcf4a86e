// Whose objects a call about all of a namespace means.
import { type Caller, isSystem, SYSTEM } from "../cloud.ts";
import { CloudError } from "../errors.ts";

/**
 * Whether an object is meant. `system` has to name a namespace, and by its own name means the whole cloud; others may name
 * theirs. Rejects with "malformed" and "unauthenticated".
 */
export function chosenBy(
  caller: Caller,
  asked: string | null | undefined,
): (object: { namespace: string | null }) => boolean {
  if (!isSystem(caller)) {
    if (asked != null && asked !== "" && asked !== caller.namespace)
      throw new CloudError("unauthenticated", "you cannot delete other namespaces");
    return ({ namespace }) => namespace === caller.namespace;
  }
  if (asked == null || asked === "")
    throw new CloudError("malformed", "system user must specify parameter namespace");
  return ({ namespace }) => asked === SYSTEM || namespace === asked;
}
