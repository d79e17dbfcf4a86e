// What the tokens are signed with.
import type { Config } from "../config.ts";
import { CloudError } from "../errors.ts";
import { create, type Store } from "../ports/store/store.ts";
import { transact } from "../ports/store/transact.ts";

/** The site's own, or one made once for the whole cloud by whoever comes first. There is no default. */
export async function signingSecret(store: Store, config: Config): Promise<string> {
  if (config.AUTH_SECRET_SEED === "foo") {
    throw new CloudError(
      "malformed",
      "SHAKENFIST_AUTH_SECRET_SEED: 'foo' is known to everybody, leave it empty",
    );
  }
  if (config.AUTH_SECRET_SEED !== "") return config.AUTH_SECRET_SEED;
  const key = "setting/signing-secret";
  return transact<string>(store, async () => {
    const known = await store.get<string>(key);
    if (known !== undefined) return [[], known.value];
    const fresh = Buffer.from(crypto.getRandomValues(new Uint8Array(48))).toString("base64");
    return [[create(key, fresh)], fresh];
  });
}
