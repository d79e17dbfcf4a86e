// Looks for leaks and broken prerequisites on a node, and changes nothing.
import { http } from "#runtime/define.ts";
import { Diagnoses } from "#shared/api/schemas.ts";
import { examine } from "#shared/doctor/examine.ts";
import { doctorInput } from "#shared/doctor/input.ts";
import { theNode } from "#shared/nodes/remove.ts";

export default http({
  summary: "Examine a node",
  description:
    "Each check is `ok`, `found` what is wrong, or `unknown` where it could not be asked. Checks of scope `cloud` are the same on every node. What is found was so twice, a moment apart. GET /nodes/{node}/doctor changes nothing; POST mends.",
  access: "system",
  input: doctorInput,
  find: theNode,
  node: ({ value }) => value.name,
  run: ({ cloud, input }) => examine(cloud, input),
  answer: Diagnoses,
});
