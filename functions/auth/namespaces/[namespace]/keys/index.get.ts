// The names of a namespace's keys; the keys themselves are nowhere to be read.
import { http } from "#runtime/define.ts";
import { Names } from "#shared/api/schemas.ts";
import { theNamespace } from "#shared/namespaces/find.ts";
import { type KeyRecord, keyPrefix } from "#shared/namespaces/record.ts";

export default http({
  summary: "List a namespace's keys",
  access: "system",
  find: theNamespace,
  answer: Names,
  run: ({ cloud, found: { value: namespace } }) =>
    cloud.store.mirror.list<KeyRecord>(keyPrefix(namespace.name)).map(({ value }) => value.name),
});
