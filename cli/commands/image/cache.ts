// Asks for an image to be fetched now rather than at the first use.
import { awaitFetches, fetchOutcomes } from "../../await-image.ts";
import { argument, command, flag, integer, list, value } from "../../command.ts";
import { UsageError } from "../../errors.ts";

const HOUR_S = 3600;

export default command({
  summary: "Fetch an image into the cache",
  arguments: { url: argument("URL, or a short name such as ubuntu:20.04") },
  options: {
    checksum: value("--checksum <checksum>", "what it must be: sha256:…, sha512:… or md5:…"),
    node: list("--node <node>", "on this node rather than the one that is asked; may be repeated"),
    all: flag("--all-nodes", "on every node"),
    wait: flag("--wait", "until it is there, and fail if it cannot be had"),
    timeout: value("--timeout <seconds>", `how long to wait at most (default ${HOUR_S})`),
  },
  examples: ["image cache cirros", "image cache debian:12 --all-nodes --wait"],
  async run({ api, out, args: { url }, options }) {
    const { checksum, node, all } = options;
    if (all && node.length > 0) throw new UsageError("--node and --all-nodes exclude each other");
    const wait_s = options.timeout === null ? HOUR_S : integer(options.timeout);
    if (wait_s < 0) throw new UsageError("--timeout is a number of seconds from 0");
    const before = options.wait ? await fetchOutcomes(api, url) : new Map();
    await api.cacheImage({
      url,
      ...(checksum === null ? {} : { checksum }),
      ...(node.length === 0 ? {} : { node }),
      ...(all ? { all } : {}),
    });
    if (options.wait) {
      const nodes = all ? (await api.listNodes()).map(({ name }) => name) : node;
      await awaitFetches({ api, out }, url, nodes.length === 0 ? null : nodes, before, wait_s);
    }
    out.progress("");
    out.done();
  },
});
