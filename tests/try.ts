import { enterSandbox } from "./support/sandbox.ts";
enterSandbox(import.meta.url);
const { startCloud } = await import("./support/cloud.ts");
const { execFileSync } = await import("node:child_process");
console.log("starting");
const cloud = await startCloud();
console.log("up");
try {
  console.log(await cloud.api.listNodes());
  console.time("network");
  const network = await cloud.api.createNetwork({ netblock: "10.0.0.0/24", name: "one", provide_dhcp: true, provide_nat: true });
  console.timeEnd("network"); console.log(network);
  console.time("instance");
  const i = await cloud.api.createInstance({ name: "guest", cpus: 1, memory: 256, disk: [{ size: 8, base: cloud.imageUrl, bus: null, type: "disk" }], network: [{ network_uuid: network.uuid }] });
  console.timeEnd("instance"); console.log(i);
  const nics = await cloud.api.listInterfaces("instances", i.uuid); console.log(nics);
  const end = Date.now() + 25000;
  for (;;) { const ev = await cloud.api.listEvents("instances", i.uuid); if (ev.some(e => e.message === "login prompt") || Date.now() > end) { for (const e of ev) console.log(e.timestamp.toFixed(3), e.operation, e.phase, e.message, e.duration); break; } await new Promise(r => setTimeout(r, 300)); }
  console.log(String(await cloud.api.getConsoleData(i.uuid, 600)));
  console.log(execFileSync("ip", ["netns", "exec", network.uuid, "ping", "-c", "2", nics[0]!.ipv4]).toString());
  const i2 = await cloud.api.createInstance({ name: "guest2", cpus: 1, memory: 256, disk: [{ size: 8, base: cloud.imageUrl, bus: null, type: "disk" }], network: [{ network_uuid: network.uuid }] });
  console.log((await cloud.api.listEvents("instances", i2.uuid)).map(e => `${e.timestamp.toFixed(3)} ${e.operation} ${e.phase} ${e.duration}`).join("\n"));
  console.time("delete"); await cloud.api.deleteInstance(i2.uuid); console.timeEnd("delete");
  console.log((await cloud.api.listEvents("instances", i2.uuid)).map(e => `${e.timestamp.toFixed(3)} ${e.operation} ${e.phase} ${e.duration}`).join("\n"));
  console.time("delete"); await cloud.api.deleteInstance(i.uuid); console.timeEnd("delete");
  console.time("netdelete"); await cloud.api.deleteNetwork(network.uuid); console.timeEnd("netdelete");
  console.log(execFileSync("ip", ["-br", "link"]).toString(), execFileSync("ip", ["netns"]).toString());
  const pid = cloud.pid(); console.log(execFileSync("bash", ["-c", `for p in ${pid} $(pgrep -P ${pid}); do echo $p $(tr '\\0' ' ' </proc/$p/cmdline | cut -c1-80) $(grep ^Pss: /proc/$p/smaps_rollup); done`]).toString());
} finally { await cloud.stop(); }
