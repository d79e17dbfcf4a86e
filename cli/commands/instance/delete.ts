// Deletes an instance and waits until it is gone.
import { argument, command } from "../../command.ts";

export default command({
  summary: "Delete an instance",
  arguments: { instance: argument("uuid or name") },
  async run({ api, out, args }) {
    // A name is free again once its owner is deleted: only the uuid keeps meaning this instance.
    const { uuid } = (await api.getInstance(args.instance)) ?? { uuid: args.instance };
    await api.deleteInstance(uuid);
    if (!(await api.awaitDeleted(uuid))) out.warn(`instance ${uuid} is still being deleted`);
    out.done();
  },
});
