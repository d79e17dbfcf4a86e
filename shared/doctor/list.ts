// Every check of the doctor, in the order in which they are shown and mended: what is needed first, and of leaks first those
// that are in the way of others.
import type { Check } from "./check.ts";
import { addresses } from "./checks/addresses.ts";
import { claims } from "./checks/claims.ts";
import { clocks } from "./checks/clocks.ts";
import { domains } from "./checks/domains.ts";
import { etcd } from "./checks/etcd.ts";
import { events } from "./checks/events.ts";
import { firewall } from "./checks/firewall.ts";
import { imageCache } from "./checks/image-cache.ts";
import { imageWork } from "./checks/image-work.ts";
import { instanceDirectories } from "./checks/instance-directories.ts";
import { interfaces } from "./checks/interfaces.ts";
import { kvm } from "./checks/kvm.ts";
import { kvmGuests } from "./checks/kvm-guests.ts";
import { libvirt } from "./checks/libvirt.ts";
import { macs } from "./checks/macs.ts";
import { missingDisks } from "./checks/missing-disks.ts";
import { mtu } from "./checks/mtu.ts";
import { dnsmasq, links, namespaces, taps } from "./checks/network-leftovers.ts";
import { nodes } from "./checks/nodes.ts";
import { portsReserved } from "./checks/port-range.ts";
import { ports } from "./checks/ports.ts";
import { programs } from "./checks/programs.ts";
import { removedNodes } from "./checks/removed-nodes.ts";
import { snapshotDirectories } from "./checks/snapshot-directories.ts";
import { snapshotRecords } from "./checks/snapshot-records.ts";
import { storage } from "./checks/storage.ts";
import { unsettled } from "./checks/unsettled.ts";
import { vxids } from "./checks/vxids.ts";

export const CHECKS: readonly Check[] = [
  // Of each node, what it needs.
  ...[programs, libvirt, kvm, kvmGuests, storage, portsReserved, firewall, mtu, clocks],
  // Of each node, what was left on it. A guest uses its directory and its tap, a DHCP server its namespace.
  ...[domains, missingDisks, instanceDirectories, snapshotDirectories, imageWork, imageCache],
  ...[dnsmasq, namespaces, links, taps],
  // Of the cloud.
  ...[etcd, nodes, unsettled],
  // An interface takes what it holds with it.
  ...[interfaces, addresses, macs, ports, vxids, claims, snapshotRecords, removedNodes, events],
];
