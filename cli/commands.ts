// Every command by its name, in the order of the help. Static, so that one bundled file holds them all.
import type { Command } from "./command.ts";
import adminDoctor from "./commands/admin/doctor.ts";
import adminList from "./commands/admin/list.ts";
import adminLockList from "./commands/admin/lock/list.ts";
import imageCache from "./commands/image/cache.ts";
import imageList from "./commands/image/list.ts";
import imageShow from "./commands/image/show.ts";
import instanceConsoledata from "./commands/instance/consoledata.ts";
import instanceCreate from "./commands/instance/create.ts";
import instanceDelete from "./commands/instance/delete.ts";
import instanceDeleteAll from "./commands/instance/delete-all.ts";
import instanceDeleteMetadata from "./commands/instance/delete-metadata.ts";
import instanceEvents from "./commands/instance/events.ts";
import instanceList from "./commands/instance/list.ts";
import instancePause from "./commands/instance/pause.ts";
import instancePoweroff from "./commands/instance/poweroff.ts";
import instancePoweron from "./commands/instance/poweron.ts";
import instanceReboot from "./commands/instance/reboot.ts";
import instanceSetMetadata from "./commands/instance/set-metadata.ts";
import instanceShow from "./commands/instance/show.ts";
import instanceSnapshot from "./commands/instance/snapshot.ts";
import instanceSnapshotDelete from "./commands/instance/snapshot-delete.ts";
import instanceSnapshotDownload from "./commands/instance/snapshot-download.ts";
import instanceSnapshotList from "./commands/instance/snapshot-list.ts";
import instanceUnpause from "./commands/instance/unpause.ts";
import interfaceDefloat from "./commands/interface/defloat.ts";
import interfaceFloat from "./commands/interface/float.ts";
import interfaceShow from "./commands/interface/show.ts";
import namespaceAddKey from "./commands/namespace/add-key.ts";
import namespaceClean from "./commands/namespace/clean.ts";
import namespaceCreate from "./commands/namespace/create.ts";
import namespaceDelete from "./commands/namespace/delete.ts";
import namespaceDeleteKey from "./commands/namespace/delete-key.ts";
import namespaceDeleteMetadata from "./commands/namespace/delete-metadata.ts";
import namespaceGetMetadata from "./commands/namespace/get-metadata.ts";
import namespaceList from "./commands/namespace/list.ts";
import namespaceSetMetadata from "./commands/namespace/set-metadata.ts";
import namespaceShow from "./commands/namespace/show.ts";
import networkCreate from "./commands/network/create.ts";
import networkDelete from "./commands/network/delete.ts";
import networkDeleteAll from "./commands/network/delete-all.ts";
import networkDeleteMetadata from "./commands/network/delete-metadata.ts";
import networkEvents from "./commands/network/events.ts";
import networkInstances from "./commands/network/instances.ts";
import networkList from "./commands/network/list.ts";
import networkSetMetadata from "./commands/network/set-metadata.ts";
import networkShow from "./commands/network/show.ts";
import nodeCordon from "./commands/node/cordon.ts";
import nodeDrain from "./commands/node/drain.ts";
import nodeEvents from "./commands/node/events.ts";
import nodeList from "./commands/node/list.ts";
import nodeRemove from "./commands/node/remove.ts";
import nodeShow from "./commands/node/show.ts";
import nodeUncordon from "./commands/node/uncordon.ts";

export const groups: Readonly<Record<string, string>> = {
  node: "The machines of the cloud",
  namespace: "Tenants and their keys",
  network: "Virtual networks",
  instance: "Virtual machines",
  interface: "Network interfaces of instances",
  image: "Disk images",
  admin: "What the operator looks at",
  "admin lock": "Locks",
};

export const commands: Readonly<Record<string, Command>> = {
  "node list": nodeList,
  "node show": nodeShow,
  "node events": nodeEvents,
  "node cordon": nodeCordon,
  "node uncordon": nodeUncordon,
  "node drain": nodeDrain,
  "node remove": nodeRemove,
  "namespace list": namespaceList,
  "namespace create": namespaceCreate,
  "namespace delete": namespaceDelete,
  "namespace show": namespaceShow,
  "namespace clean": namespaceClean,
  "namespace add-key": namespaceAddKey,
  "namespace delete-key": namespaceDeleteKey,
  "namespace get-metadata": namespaceGetMetadata,
  "namespace set-metadata": namespaceSetMetadata,
  "namespace delete-metadata": namespaceDeleteMetadata,
  "network list": networkList,
  "network show": networkShow,
  "network create": networkCreate,
  "network delete": networkDelete,
  "network delete-all": networkDeleteAll,
  "network events": networkEvents,
  "network instances": networkInstances,
  "network set-metadata": networkSetMetadata,
  "network delete-metadata": networkDeleteMetadata,
  "instance list": instanceList,
  "instance show": instanceShow,
  "instance create": instanceCreate,
  "instance delete": instanceDelete,
  "instance delete-all": instanceDeleteAll,
  "instance events": instanceEvents,
  "instance set-metadata": instanceSetMetadata,
  "instance delete-metadata": instanceDeleteMetadata,
  "instance reboot": instanceReboot,
  "instance poweron": instancePoweron,
  "instance poweroff": instancePoweroff,
  "instance pause": instancePause,
  "instance unpause": instanceUnpause,
  "instance consoledata": instanceConsoledata,
  "instance snapshot": instanceSnapshot,
  "instance snapshot-list": instanceSnapshotList,
  "instance snapshot-download": instanceSnapshotDownload,
  "instance snapshot-delete": instanceSnapshotDelete,
  "interface show": interfaceShow,
  "interface float": interfaceFloat,
  "interface defloat": interfaceDefloat,
  "image cache": imageCache,
  "image list": imageList,
  "image show": imageShow,
  "admin list": adminList,
  "admin doctor": adminDoctor,
  "admin lock list": adminLockList,
};
