// The metadata part at the end of a "show".
import type { Metadata } from "#shared/api/types.ts";
import type { Output } from "../output.ts";

export function showMetadata(out: Output, metadata: Metadata): void {
  const pairs = Object.entries(metadata);
  out.line();
  if (out.format === "simple") {
    out.row("metadata", "key", "value");
    for (const [key, value] of pairs) out.row("metadata", key, value);
    return;
  }
  out.line("Metadata:");
  for (const [key, value] of pairs) out.indentedField(8, key, value);
}
