// The errors that clients of the API know, by route: `status text`, a pattern where part of the text differs.
const UNAUTHORIZED = "401 unauthorized";
const NO_TOKEN = "401 Missing Authorization Header";
const NO_INSTANCE = "404 instance not found";
const NO_NETWORK = "404 network not found";
const NO_INTERFACE = "404 interface not found";
const NO_NODE = "404 node nosuch not found";
const NO_NAMESPACE = "404 namespace does not exist";
const ADMINS = "401 only admins can create resources in a different namespace";
const ILLEGAL = "403 illegal key name";
const NO_KEY = "400 no key specified";
const NO_VALUE = "400 no value specified";
const KEY_GONE = "404 key not found";
const NO_STRING = "400 key is not a string";
const DELETE_ALL = [
  "400 parameter confirm is not set true",
  "400 system user must specify parameter namespace",
  "401 you cannot delete other namespaces",
];

const ofMetadata = (noun: string, variable: string, missing: string): Record<string, readonly string[]> => {
  const all = `/${noun}s/[${variable}]/metadata`;
  return {
    [`GET ${all}`]: [missing],
    [`POST ${all}`]: [missing, NO_KEY, NO_VALUE],
    [`PUT ${all}/[key]`]: [missing, NO_VALUE],
    [`DELETE ${all}/[key]`]: [missing, KEY_GONE],
  };
};

const acts = ["poweron", "poweroff", "pause", "unpause", "rebootsoft", "reboothard", "reboot"].map(
  (act): [string, readonly string[]] => [`POST /instances/[instance_ref]/${act}`, [NO_INSTANCE]],
);

export const LISTED: Readonly<Record<string, readonly string[]>> = {
  "POST /auth": ["400 missing namespace in request", "400 missing key in request", NO_STRING, UNAUTHORIZED],
  "GET /auth/namespaces": [UNAUTHORIZED],
  "POST /auth/namespaces": [UNAUTHORIZED, "400 no namespace specified", NO_KEY, NO_STRING, ILLEGAL],
  "DELETE /auth/namespaces/[namespace]": [
    UNAUTHORIZED,
    "403 you cannot delete the system namespace",
    "400 you cannot delete a namespace with instances",
    "400 you cannot delete a namespace with networks",
  ],
  "GET /auth/namespaces/[namespace]/keys": [UNAUTHORIZED, NO_NAMESPACE],
  "POST /auth/namespaces/[namespace]/keys": [
    UNAUTHORIZED,
    "400 no key name specified",
    NO_KEY,
    NO_STRING,
    ILLEGAL,
    NO_NAMESPACE,
  ],
  "PUT /auth/namespaces/[namespace]/keys/[key_name]": [
    UNAUTHORIZED,
    NO_NAMESPACE,
    "404 key does not exist",
    NO_KEY,
    NO_STRING,
    ILLEGAL,
  ],
  "DELETE /auth/namespaces/[namespace]/keys/[key_name]": [
    UNAUTHORIZED,
    NO_NAMESPACE,
    "404 key name not found in namespace",
  ],
  "GET /auth/namespaces/[namespace]/metadata": [UNAUTHORIZED, NO_NAMESPACE],
  "POST /auth/namespaces/[namespace]/metadata": [UNAUTHORIZED, NO_KEY, NO_VALUE],
  "PUT /auth/namespaces/[namespace]/metadata/[key]": [UNAUTHORIZED, NO_VALUE],
  "DELETE /auth/namespaces/[namespace]/metadata/[key]": [UNAUTHORIZED, KEY_GONE],
  "GET /nodes": [UNAUTHORIZED],
  "GET /nodes/[node]": [UNAUTHORIZED, NO_NODE],
  "GET /nodes/[node]/events": [UNAUTHORIZED, NO_NODE],
  "POST /nodes/[node]/cordon": [UNAUTHORIZED, NO_NODE],
  "POST /nodes/[node]/uncordon": [UNAUTHORIZED, NO_NODE],
  "POST /nodes/[node]/drain": [UNAUTHORIZED, NO_NODE],
  "GET /admin/locks": [UNAUTHORIZED],
  "GET /instances": [
    NO_TOKEN,
    "401 invalid JWT in Authorization header",
    "401 Signature has expired",
    "401 Bad Authorization header. Expected value 'Bearer <JWT>'",
  ],
  "POST /instances": [
    NO_TOKEN,
    "400 instance name must be useable as a DNS host name",
    "404 Specified node does not exist",
    "400 instance must specify at least one disk",
    "400 disk specification should contain JSON objects",
    "400 network specification should contain JSON objects",
    "400 network specification is missing network_uuid",
    "400 network specification requests an address outside the range of the network",
    ADMINS,
    "401 only system can specify an instance uuid",
    "400 ^cpus must be",
    "400 ^memory must be",
    "404 network {nowhere} not found",
    "409 address 10.0.0.9 in use",
    "507 ^No nodes with metrics: ",
    "507 ^Requested vCPUs exceeds vCPU limit: ",
    "507 ^No nodes with enough idle CPU: ",
    "507 ^No nodes with enough idle RAM: ",
    "507 ^No nodes with enough disk space: ",
  ],
  "DELETE /instances": [NO_TOKEN, ...DELETE_ALL],
  "GET /instances/[instance_ref]": [NO_INSTANCE],
  "DELETE /instances/[instance_ref]": [NO_INSTANCE],
  "GET /instances/[instance_ref]/interfaces": [NO_INSTANCE],
  "GET /instances/[instance_ref]/events": [NO_INSTANCE],
  "GET /instances/[instance_ref]/snapshot": [NO_INSTANCE],
  "POST /instances/[instance_ref]/snapshot": [NO_INSTANCE],
  "GET /instances/[instance_ref]/snapshot/[snapshot_uuid]/[device]": [NO_INSTANCE, "404 snapshot not found"],
  "DELETE /instances/[instance_ref]/snapshot/[snapshot_uuid]": [NO_INSTANCE, "404 snapshot not found"],
  ...Object.fromEntries(acts),
  ...ofMetadata("instance", "instance_ref", NO_INSTANCE),
  "GET /instances/[instance_ref]/console": ["400 length is not an integer", NO_INSTANCE],
  "GET /instances/[instance_ref]/consoledata": ["400 length is not an integer", NO_INSTANCE],
  "GET /networks": [NO_TOKEN],
  "POST /networks": [NO_TOKEN, "400 ^cannot parse netblock: ", ADMINS],
  "DELETE /networks": [NO_TOKEN, ...DELETE_ALL, "403 deleted, unable"],
  "GET /networks/[network_ref]": [NO_NETWORK],
  "DELETE /networks/[network_ref]": [
    "403 you cannot delete the floating network",
    "403 you cannot delete an in use network",
    NO_NETWORK,
  ],
  "GET /networks/[network_ref]/events": [NO_NETWORK],
  "GET /networks/[network_ref]/interfaces": [NO_NETWORK],
  ...ofMetadata("network", "network_ref", NO_NETWORK),
  "GET /interfaces/[interface_uuid]": [NO_INTERFACE],
  "POST /interfaces/[interface_uuid]/float": [NO_INTERFACE],
  "POST /interfaces/[interface_uuid]/defloat": [NO_INTERFACE],
  "POST /images": [NO_TOKEN, "400 url is not a string"],
  "GET /images": [NO_TOKEN],
  "GET /images/events": [NO_TOKEN],
};
