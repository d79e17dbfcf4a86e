// libvirt, without which no guest is started, stopped or seen.
import { messageOf } from "../../errors.ts";
import { check } from "../check.ts";

export const libvirt = check({
  name: "libvirt",
  summary: "libvirt answers",
  scope: "node",
  reads_store: false,

  async find({ hypervisor, config }) {
    return hypervisor.usage().then(
      () => [],
      (error: unknown) => {
        const problem = messageOf(error);
        return [{ subject: config.LIBVIRT_URI, problem, mend: "systemctl restart libvirtd" }];
      },
    );
  },
});
