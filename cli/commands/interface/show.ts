// Shows one network interface.
import { argument, command } from "../../command.ts";
import { Refusal } from "../../errors.ts";
import { interfaceJson, showInterfaceFields, showInterfaceRows } from "../../show/interface.ts";

export default command({
  summary: "Show an interface",
  arguments: { uuid: argument("uuid of the interface") },
  async run({ api, out, args }) {
    const nic = await api.getInterface(args.uuid);
    if (nic === null) throw new Refusal("Interface not found");
    if (out.format === "json") return out.json({ network_interfaces: [interfaceJson(nic)] });
    if (out.format === "simple") return showInterfaceRows(out, [nic]);
    out.line("Interface:");
    showInterfaceFields(out, nic);
  },
});
