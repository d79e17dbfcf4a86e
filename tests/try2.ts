import { enterSandbox } from "./support/sandbox.ts";
enterSandbox(import.meta.url);
const { startCloud } = await import("./support/cloud.ts");
const cloud = await startCloud();
const timer = undefined;
console.log("node"); await cloud.stopNode(); 
console.log("store"); await cloud.store.close(); console.log("virt"); await cloud.libvirtd.stop(); console.log("etcd"); await cloud.etcd.stop(); console.log("done"); clearInterval(timer);
