// Prints the end of an instance's serial console, byte for byte, in every format.
import { argument, command, integer, optionalArgument } from "../../command.ts";

export default command({
  summary: "Print the serial console's last bytes",
  arguments: {
    instance: argument("uuid or name"),
    length: optionalArgument("how many bytes, -1 for all (default: 10240)", integer, 10240),
  },
  examples: ["instance consoledata web -1"],
  async run({ api, out, args }) {
    out.raw(await api.getConsoleData(args.instance, args.length));
  },
});
