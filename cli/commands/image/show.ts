// Shows one image: what each node has of it, how far its fetches are, and what happened to it.
import { argument, command } from "../../command.ts";
import { Refusal } from "../../errors.ts";
import { pick } from "../../output.ts";
import { eventColumns, eventFields } from "../../show/events.ts";
import { imageColumns, imageRow } from "../../show/image.ts";

export default command({
  summary: "Show an image on all nodes, and its events",
  arguments: { url: argument("URL, or a short name such as debian:12") },
  examples: ["image show cirros"],
  async run({ api, out, args: { url } }) {
    const images = await api.listImages({ url, all: true });
    const events = await api.listImageEvents(url);
    if (images.length === 0 && events.length === 0)
      throw new Refusal(`Image not found: no node has ${url}, and nobody has asked for it`);
    if (out.format === "json") {
      out.json({ images, events: events.map((event) => pick(event, eventFields)) });
      return;
    }
    out.table(imageColumns, images.map(imageRow), { left: ["url", "progress"] });
    out.line();
    out.table(eventColumns, events);
  },
});
