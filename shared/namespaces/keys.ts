// Hashing and checking the keys of namespaces. Sole importer of argon2, which costs 20 ms on purpose.
//
// The keys of a namespace share their salt, so that a wrong key costs one argon2 however many there are; where there are
// none it costs one as well, so that time does not tell which namespaces exist. A key that was right a moment ago is
// recognised by a keyed digest under a secret that lives and dies with this process.
import { createHmac, randomBytes } from "node:crypto";
import { hash } from "@node-rs/argon2";
import { CloudError } from "../errors.ts";
import { type Gate, openGate } from "./gate.ts";

/** OWASP's first choice: argon2id, 19 MiB, two passes. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const CURRENT = `$argon2id$v=19$m=${COST.memoryCost},t=${COST.timeCost},p=${COST.parallelism}$`;
/** What a stored hash may ask of this node, in KiB. */
const MOST_MEMORY = 256 * 1024;
const SALT_BYTES = 16;
const LONGEST_KEY_BYTES = 1024;
const REMEMBERED = 1000;

const HASH = /^\$argon2id\$v=19\$m=(\d{1,6}),t=(\d),p=(\d)\$([A-Za-z0-9+/]+)\$[A-Za-z0-9+/]+$/;

interface Hashed {
  hash: string;
}

export interface KeyChecker {
  /** To be passed by whoever is going to hash or check. */
  readonly gate: Gate;
  /** Whose key this is, if it was found before: costs next to nothing. */
  recall<T extends Hashed>(key: string, records: readonly T[]): T | undefined;
  /** Whose key this is. */
  find<T extends Hashed>(key: string, records: readonly T[]): Promise<T | undefined>;
}

/** With the salt of `like`, another key of the same namespace. Rejects with "malformed" when the key is too long. */
export async function hashKey(key: string, like = ""): Promise<string> {
  if (isTooLong(key)) throw new CloudError("malformed", `key: longer than ${LONGEST_KEY_BYTES} bytes`);
  return hash(key, (like.startsWith(CURRENT) ? recipeOf(like) : undefined) ?? newRecipe());
}

export function openKeyChecker(): KeyChecker {
  const secret = randomBytes(32);
  const known = new Map<string, string>();
  const digestOf = (key: string) => createHmac("sha256", secret).update(key).digest("base64");

  function remember(key: string, hashed: string): void {
    if (known.size >= REMEMBERED) known.clear();
    known.set(hashed, digestOf(key));
  }

  return {
    gate: openGate(),
    recall(key, records) {
      const digest = digestOf(key);
      return records.find((record) => known.get(record.hash) === digest);
    },
    async find(key, records) {
      if (isTooLong(key)) return undefined;
      for (const recipe of recipesOf(records)) {
        // What argon2 itself refuses to make was not made by it: nobody's.
        const hashed = await hash(key, recipe).catch(() => undefined);
        const found = records.find((record) => record.hash === hashed);
        if (found === undefined) continue;
        remember(key, found.hash);
        return found;
      }
      return undefined;
    },
  };
}

const isTooLong = (key: string): boolean => Buffer.byteLength(key) > LONGEST_KEY_BYTES;

type Recipe = typeof COST & { salt: Buffer };

const newRecipe = (): Recipe => ({ ...COST, salt: randomBytes(SALT_BYTES) });

/** One for each salt among them; a new one where there is none. */
function recipesOf(records: readonly Hashed[]): Recipe[] {
  const recipes = new Map<string, Recipe>();
  for (const record of records) {
    const recipe = recipeOf(record.hash);
    if (recipe !== undefined) recipes.set(JSON.stringify(recipe), recipe);
  }
  return recipes.size === 0 ? [newRecipe()] : [...recipes.values()];
}

/** Undefined for what is not such a hash: nothing matches it. */
function recipeOf(hashed: string): Recipe | undefined {
  const [, memory, time, parallelism, salt] = HASH.exec(hashed) ?? [];
  if (salt === undefined || Number(memory) > MOST_MEMORY) return undefined;
  return {
    memoryCost: Number(memory),
    timeCost: Number(time),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt, "base64"),
  };
}
