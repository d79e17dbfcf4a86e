// Guests that no instance of this node stands for.
import { endStray, findStrays, type Stray } from "../../instances/strays.ts";
import { check, type Found } from "../check.ts";

const PROBLEMS: Record<Stray["why"], string> = {
  over: "its instance is over",
  lost: "it was lost when this node was removed",
  unknown: "there is no such instance",
  elsewhere: "its instance is on another node",
};

export const domains = check({
  name: "domains",
  summary: "Every domain of ours is an instance's of this node",
  scope: "node",
  reads_store: true,

  async find(cloud) {
    return (await findStrays(cloud)).map(({ uuid, power, why }): Found => {
      const found = { subject: `domain sf:${uuid}`, problem: `is ${power}, and ${PROBLEMS[why]}` };
      // Two nodes would write to one disk: which is right is for a person to say.
      if (why === "elsewhere")
        return { ...found, mend: `virsh destroy sf:${uuid}, on the wrong one of the two` };
      const mend = `virsh destroy sf:${uuid}; virsh undefine sf:${uuid}`;
      return { ...found, mend, fix: () => endStray(cloud, uuid) };
    });
  },
});
