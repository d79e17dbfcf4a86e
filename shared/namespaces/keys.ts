// Hashing and checking the keys of namespaces. Sole importer of argon2. A key that was right a moment ago is recognised by
// a keyed digest under a secret that lives and dies with this process, because argon2 costs 20 ms on purpose.
import { createHmac, randomBytes } from "node:crypto";
import { hash, verify } from "@node-rs/argon2";
import { CloudError } from "../errors.ts";

/** OWASP's first choice: argon2id, 19 MiB, two passes. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const LONGEST_KEY_BYTES = 1024;
const REMEMBERED = 1000;

export async function hashKey(key: string): Promise<string> {
  if (Buffer.byteLength(key) > LONGEST_KEY_BYTES) {
    throw new CloudError("malformed", `key: longer than ${LONGEST_KEY_BYTES} bytes`);
  }
  return hash(key, COST);
}

export interface KeyChecker {
  /** True when this is the key that was hashed. */
  matches(key: string, hashed: string): Promise<boolean>;
}

export function openKeyChecker(): KeyChecker {
  const secret = randomBytes(32);
  const known = new Map<string, string>();
  return {
    async matches(key, hashed) {
      if (Buffer.byteLength(key) > LONGEST_KEY_BYTES) return false;
      const digest = createHmac("sha256", secret).update(key).digest("base64");
      if (known.get(hashed) === digest) return true;
      if (!(await verify(hashed, key))) return false;
      if (known.size >= REMEMBERED) known.clear();
      known.set(hashed, digest);
      return true;
    },
  };
}
