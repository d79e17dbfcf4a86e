// The names of all namespaces.
import { http } from "#runtime/define.ts";
import { Names } from "#shared/api/schemas.ts";
import { NAMESPACES, type NamespaceRecord } from "#shared/namespaces/record.ts";

export default http({
  summary: "List the namespaces",
  access: "system",
  answer: Names,
  run: ({ cloud }) => cloud.store.mirror.list<NamespaceRecord>(NAMESPACES).map(({ value }) => value.name),
});
