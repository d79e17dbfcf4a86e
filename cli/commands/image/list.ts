// Lists the images in the caches, one line an image and node.
import { command, value } from "../../command.ts";

const fields = ["ref", "node", "url", "size", "modified", "fetched", "file_version", "checksum"];

export default command({
  summary: "List the cached images",
  options: { node: value("--node <node>", "only the images of this node") },
  async run({ api, out, options }) {
    const images = await api.listImages(options.node);
    if (out.format === "json") return out.compactJson(images);
    const byUrl = images.toSorted((a, b) => (a.url < b.url ? -1 : Number(a.url > b.url)));
    out.table(Object.fromEntries(fields.map((field) => [field, field])), byUrl, { left: ["url"] });
  },
});
