// Mends leaks about which there is nothing to decide: what the doctor finds of them, once an hour.
import { schedule } from "#runtime/define.ts";
import { mendRoutinely } from "#shared/doctor/examine.ts";

export default schedule({
  summary: "Mend leaks of the store",
  every_s: () => 3600,
  deadline_ms: 600_000,
  run: ({ cloud, signal }) => mendRoutinely(cloud, signal),
});
