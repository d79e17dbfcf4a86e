// Lets go of networks that have been deleted for long.
import { schedule } from "#runtime/define.ts";
import { forgetNetworks } from "#shared/networks/forget.ts";

export default schedule({
  summary: "Forget deleted networks",
  every_s: () => 60,
  deadline_ms: 60_000,
  run: ({ cloud }) => forgetNetworks(cloud),
});
