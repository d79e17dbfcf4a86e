// Tokens: JWTs (15 minutes) that name a namespace and the key that it was opened with.
// A token is good as long as its signature, its time and its key are; with a namespace go its keys.
import type { Caller, Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { hasExpired, openJwt } from "../jwt.ts";
import type { Entry } from "../ports/store/store.ts";
import { isExpired, type KeyRecord, keyKey } from "./record.ts";

const LIFE_MS = 15 * 60 * 1000;
const REMEMBERED = 10_000;

interface Claims {
  identity: string;
  key_name: string;
  key_id: string;
}

export interface Tokens {
  /** Good for 15 minutes, or for the seconds that are left of the key. */
  issue(namespace: string, key: KeyRecord, left_s?: number): string;
  /** Throws what the library throws for a token that is not good. */
  read(token: string): Claims;
}

export function openTokens(secret: string): Tokens {
  const required = ["identity", "key_name", "key_id"];
  const jwt = openJwt<Claims>({ secret, remembered: REMEMBERED, required });
  return {
    issue(namespace, { name, id }, left_s = LIFE_MS / 1000) {
      const claims = { identity: namespace, sub: namespace, key_name: name, key_id: id };
      const usual = { jti: crypto.randomUUID(), fresh: false, type: "access" };
      return jwt.sign({ ...claims, ...usual }, Math.min(LIFE_MS, Math.max(1, Math.floor(left_s * 1000))));
    },
    read: jwt.read,
  };
}

/** Who sends this header. Rejects with "unauthenticated" in the words old clients know. */
export async function callerOf(cloud: Cloud, header: string | undefined): Promise<Caller> {
  if (header === undefined || header === "")
    throw new CloudError("unauthenticated", "Missing Authorization Header");
  const parts = header.split(" ");
  if (parts.length !== 2 || parts[0] !== "Bearer" || parts[1] === undefined) {
    throw new CloudError("unauthenticated", "Bad Authorization header. Expected value 'Bearer <JWT>'");
  }
  const claims = readClaims(cloud.tokens, parts[1]);
  const where = keyKey(claims.identity, claims.key_name);
  const isGood = (entry: Entry<KeyRecord> | undefined): boolean =>
    entry?.value.id === claims.key_id && !isExpired(entry.value, cloud.clock.now());
  if (isGood(cloud.store.mirror.get(where)) || isGood(await cloud.store.get(where))) {
    return { namespace: claims.identity };
  }
  throw new CloudError("unauthenticated", "the key of this token is gone");
}

function readClaims(tokens: Tokens, token: string): Claims {
  try {
    return tokens.read(token);
  } catch (error) {
    const words = hasExpired(error) ? "Signature has expired" : "invalid JWT in Authorization header";
    throw new CloudError("unauthenticated", words, { cause: error });
  }
}
