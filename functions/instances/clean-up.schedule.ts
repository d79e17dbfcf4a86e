// Lets go of what has been over for long: records, events and console logs of instances and their interfaces. Guests that
// should not be any more are ended.
import { schedule } from "#runtime/define.ts";
import { forgetInstances } from "#shared/instances/forget.ts";
import { endStrays } from "#shared/instances/strays.ts";

export default schedule({
  summary: "Forget deleted and failed instances",
  every_s: () => 60,
  deadline_ms: 60_000,
  async run({ cloud }) {
    await forgetInstances(cloud);
    await endStrays(cloud);
  },
});
