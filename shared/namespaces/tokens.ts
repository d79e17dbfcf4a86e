// Tokens: JWTs (15 minutes) that name a namespace and the key that it was opened with.
// A token is good as long as its signature, its time and its key are; with a namespace go its keys.
import type { Caller, Cloud } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { type Ends, hasExpired, openJwt } from "../jwt.ts";
import type { Entry } from "../ports/store/store.ts";
import { isExpired, type KeyRecord, keyKey } from "./record.ts";

const LIFE_MS = 15 * 60 * 1000;
/** By how much the clocks of two nodes may differ: a token of one is used at once with another. */
const TOLERANCE_MS = 30_000;
const BEARER = "Bearer ";
const REMEMBERED = 10_000;

interface Claims {
  identity: string;
  key_name: string;
  key_id: string;
}

export interface Tokens {
  /** Good for 15 minutes, or for the seconds that are left of the key. */
  issue(namespace: string, key: KeyRecord, left_s?: number): string;
  /** Throws what the library throws for a token that is not good at `now`, s. */
  read(token: string, now: number): Claims;
}

export function openTokens(secret: string): Tokens {
  const required = ["identity", "key_name", "key_id"];
  const jwt = openJwt<Claims>({ secret, required, tolerance_ms: TOLERANCE_MS });
  const known = new Map<string, Claims & Ends>();

  function readAnew(token: string): Claims {
    known.delete(token);
    const claims = jwt.read(token);
    const [oldest] = known.keys();
    if (known.size >= REMEMBERED && oldest !== undefined) known.delete(oldest);
    known.set(token, claims);
    return claims;
  }

  return {
    issue(namespace, { name, id }, left_s = LIFE_MS / 1000) {
      const claims = { identity: namespace, sub: namespace, key_name: name, key_id: id };
      const usual = { jti: crypto.randomUUID(), fresh: false, type: "access" };
      return jwt.sign({ ...claims, ...usual }, Math.min(LIFE_MS, Math.max(1, Math.floor(left_s * 1000))));
    },
    read(token, now) {
      const claims = known.get(token);
      return claims !== undefined && claims.exp > now ? claims : readAnew(token);
    },
  };
}

/** Who sends this header; at once, if this node knows the key. Throws or rejects with "unauthenticated" in the words old clients know. */
export function callerOf(cloud: Cloud, header: string | undefined): Caller | Promise<Caller> {
  if (header === undefined || header === "")
    throw new CloudError("unauthenticated", "Missing Authorization Header");
  if (!header.startsWith(BEARER) || header.includes(" ", BEARER.length)) {
    throw new CloudError("unauthenticated", "Bad Authorization header. Expected value 'Bearer <JWT>'");
  }
  const now = cloud.clock.now();
  const claims = readClaims(cloud.tokens, header.slice(BEARER.length), now);
  const where = keyKey(claims.identity, claims.key_name);
  const caller = { namespace: claims.identity };
  if (isOpenedBy(claims, cloud.store.mirror.get(where), now)) return caller;
  return cloud.store.get<KeyRecord>(where).then((entry) => {
    if (isOpenedBy(claims, entry, now)) return caller;
    throw new CloudError("unauthenticated", "the key of this token is gone");
  });
}

function isOpenedBy({ key_id }: Claims, key: Entry<KeyRecord> | undefined, now: number): boolean {
  return key?.value.id === key_id && !isExpired(key.value, now);
}

function readClaims(tokens: Tokens, token: string, now: number): Claims {
  try {
    return tokens.read(token, now);
  } catch (error) {
    const words = hasExpired(error) ? "Signature has expired" : "invalid JWT in Authorization header";
    throw new CloudError("unauthenticated", words, { cause: error });
  }
}
