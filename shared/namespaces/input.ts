// The bodies that the calls on namespaces and keys take, in the order and the words that old clients know.
import { z } from "zod";
import { emptyIsNone, requiredText } from "../input.ts";
import { NAME, NAME_RULE } from "./record.ts";

const named = (field: string, missing: string) =>
  requiredText(missing, `${field} is not a string`).regex(NAME, { error: `${field} ${NAME_RULE}` });

const keyText = requiredText("no key specified", "key is not a string");

const expires = z
  .number({ error: "expires must be a number of seconds since 1970" })
  .nullish()
  .describe("When the key ends, in seconds since 1970; without it, not at all");

export const loginInput = z.strictObject({
  namespace: emptyIsNone(requiredText("missing namespace in request", "namespace is not a string")),
  key: emptyIsNone(requiredText("missing key in request", "key is not a string")),
});

export const namespaceInput = z
  .strictObject({
    namespace: emptyIsNone(named("namespace", "no namespace specified")),
    key_name: emptyIsNone(named("key_name", "no key name specified").optional()),
    key: emptyIsNone(keyText.optional()),
  })
  .refine(({ key_name, key }) => key_name === undefined || key !== undefined, { error: "no key specified" })
  .refine(({ key_name, key }) => key === undefined || key_name !== undefined, {
    error: "no key name specified",
  });

export const newKeyInput = z.strictObject({
  key_name: emptyIsNone(named("key_name", "no key name specified")),
  key: emptyIsNone(keyText),
  expires,
});

export const keyInput = newKeyInput.omit({ key_name: true });
