// Lists the images in the caches, one line an image and node.
import { command, flag, value } from "../../command.ts";
import { imageColumns, imageRow } from "../../show/image.ts";

const fields = ["ref", "node", "url", "size", "modified", "fetched", "file_version", "checksum"];

export default command({
  summary: "List the cached images",
  options: {
    node: value("--node <node>", "only the images of this node"),
    all: flag("-a, --all", "also those that are being fetched or were refused, and how they are"),
  },
  async run({ api, out, options: { node, all } }) {
    const images = await api.listImages({ node, ...(all ? { all } : {}) });
    if (out.format === "json") return out.compactJson(images);
    const byUrl = images.toSorted((a, b) => (a.url < b.url ? -1 : Number(a.url > b.url)));
    if (all) return out.table(imageColumns, byUrl.map(imageRow), { left: ["url", "progress"] });
    out.table(Object.fromEntries(fields.map((field) => [field, field])), byUrl, { left: ["url"] });
  },
});
