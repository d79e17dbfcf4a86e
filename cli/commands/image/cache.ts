// Asks for an image to be fetched now rather than at the first use.
import { argument, command } from "../../command.ts";

export default command({
  summary: "Fetch an image into the cache",
  arguments: { url: argument("URL, or a short name such as ubuntu:20.04") },
  examples: ["image cache cirros"],
  async run({ api, out, args }) {
    await api.cacheImage(args.url);
    out.done();
  },
});
