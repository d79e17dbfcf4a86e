// The database behind the store: members that do not answer, alarms, and a file that nears its limit.
import { check, type Found } from "../check.ts";

/** What etcd allows itself unless --quota-backend-bytes says otherwise; it tells nobody which. */
const USUAL_QUOTA = 2 * 1024 ** 3;
const NEARLY = 0.8;
const MIB = 1024 ** 2;

export const etcd = check({
  name: "etcd",
  summary: "Every member of etcd answers, without an alarm and with room",
  scope: "cloud",
  reads_store: false,

  async find(cloud) {
    const { members, alarms } = await cloud.store.health();
    const flags =
      cloud.config.ETCD_HOSTS.length > 0 ? ` --endpoints ${cloud.config.ETCD_HOSTS.join(",")}` : "";
    return [
      ...alarms.map((alarm) => alarmed(alarm, flags)),
      ...members.flatMap(({ host, failure, size }): Found[] => {
        const subject = `etcd ${host}`;
        if (failure !== null)
          return [
            { subject, problem: `does not answer: ${failure}`, mend: `systemctl restart etcd, on ${host}` },
          ];
        if (size < NEARLY * USUAL_QUOTA) return [];
        const problem = `its file has ${Math.round(size / MIB)} MiB; it takes no more writes at its quota, usually 2048`;
        return [{ subject, problem, mend: `etcdctl${flags} defrag, or a larger --quota-backend-bytes` }];
      }),
    ];
  },
});

function alarmed(alarm: string, flags: string): Found {
  if (alarm === "NOSPACE") {
    const problem = "its file has reached its quota: nothing can be written";
    const mend = `etcdctl${flags} compact <revision>; etcdctl${flags} defrag; etcdctl${flags} alarm disarm`;
    return { subject: `etcd alarm ${alarm}`, problem, mend };
  }
  const mend = "replace the member that etcdctl alarm list names";
  return { subject: `etcd alarm ${alarm}`, problem: "a member's data is damaged", mend };
}
