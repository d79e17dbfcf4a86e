// Looks for leaks and broken prerequisites on a node, and mends what it safely can.
import { http } from "#runtime/define.ts";
import { Diagnoses } from "#shared/api/schemas.ts";
import { mend } from "#shared/doctor/examine.ts";
import { doctorInput } from "#shared/doctor/input.ts";
import { theNode } from "#shared/nodes/remove.ts";

export default http({
  summary: "Mend a node",
  description:
    "As GET, and does what `mendable` findings say; `mended` tells whether it worked. What others made is never touched. What is mended is an event of the node.",
  access: "system",
  input: doctorInput,
  find: theNode,
  node: ({ value }) => value.name,
  run: ({ cloud, input }) => mend(cloud, input),
  answer: Diagnoses,
});
