// Prints the end of an instance's serial console, byte for byte, in every format; and what comes, if that is wanted.
import { argument, command, flag, integer, optionalArgument } from "../../command.ts";

export default command({
  summary: "Print the serial console's last bytes",
  arguments: {
    instance: argument("uuid or name"),
    length: optionalArgument("how many bytes, -1 for all (default: 10240)", integer, 10240),
  },
  options: {
    follow: flag("-f, --follow", "go on with what comes, until Ctrl-C or the end of the instance"),
  },
  examples: ["instance consoledata web -1", "instance consoledata --follow web 0"],
  async run({ api, out, args, options }) {
    if (!options.follow) return out.raw(await api.getConsoleData(args.instance, args.length));
    const response = await api.followConsole(args.instance, args.length);
    await out.rawStream(response.stream());
  },
});
