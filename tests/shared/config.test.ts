import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { describeConfig, readConfig, settings } from "#shared/config.ts";
import { isKind } from "#shared/errors.ts";

const read = (values: Record<string, string>, file = "") =>
  readConfig(
    Object.fromEntries(Object.entries(values).map(([name, value]) => [`SHAKENFIST_${name}`, value])),
    file,
  );

describe("config", () => {
  it("readConfig: nothing given gives the defaults", () => {
    const { config, warnings } = readConfig({});
    assert.deepEqual(warnings, []);
    for (const [name, setting] of Object.entries(settings))
      assert.deepEqual(config[name as keyof typeof config], setting.default, name);
  });

  it("readConfig: every type is read (fault 56)", () => {
    const { config } = read({
      API_PORT: " 14000 ",
      ZONE: "here",
      AUTH_SECRET_SEED: "s",
      CPU_OVERCOMMIT_RATIO: "1.5",
      ETCD_HOSTS: "a:1, b:2\tc:3,",
      DISK_FORMAT: "flat",
      INCLUDE_TRACEBACKS: "Yes",
    });
    assert.deepEqual(
      [config.API_PORT, config.ZONE, config.AUTH_SECRET_SEED, config.CPU_OVERCOMMIT_RATIO],
      [14_000, "here", "s", 1.5],
    );
    assert.deepEqual(config.ETCD_HOSTS, ["a:1", "b:2", "c:3"]);
    assert.deepEqual([config.DISK_FORMAT, config.INCLUDE_TRACEBACKS], ["flat", true]);
  });

  it("readConfig: true and false have many spellings (fault 56)", () => {
    for (const yes of ["1", "true", "True", "yes", "ON"])
      assert.equal(read({ INCLUDE_TRACEBACKS: yes }).config.INCLUDE_TRACEBACKS, true, yes);
    for (const no of ["0", "false", "No", "off", ""])
      assert.equal(read({ INCLUDE_TRACEBACKS: no }).config.INCLUDE_TRACEBACKS, false, no);
  });

  const bad: Record<string, string> = {
    API_PORT: "13000.5",
    API_TIMEOUT: "soon",
    CPU_OVERCOMMIT_RATIO: "",
    IMAGE_MAX_GIB: "Infinity",
    INCLUDE_TRACEBACKS: "maybe",
    DISK_BUS: "floppy",
  };
  for (const [name, value] of Object.entries(bad)) {
    it(`readConfig: refuses ${name}=${value || "nothing"}, naming it`, () => {
      assert.throws(
        () => read({ [name]: value }),
        (error) => isKind(error, "malformed") && error.message.startsWith(`SHAKENFIST_${name}: `),
      );
    });
  }

  it("readConfig: the environment wins over the file, which wins over the default", () => {
    const file = "ZONE=file\nSHAKENFIST_NODE_NAME=from-file\nDNS_SERVER=9.9.9.9\n";
    const { config } = read({ ZONE: "environment" }, file);
    assert.deepEqual(
      [config.ZONE, config.NODE_NAME, config.DNS_SERVER],
      ["environment", "from-file", "9.9.9.9"],
    );
  });

  it("readConfig: a file may have comments, exports, quotes and spaces", () => {
    const file = `# a comment\n\n  export SHAKENFIST_ZONE="my zone"\nNODE_NAME = 'sf-7'\nNODE_EGRESS_NIC="eth1\n`;
    const { config, warnings } = readConfig({}, file);
    assert.deepEqual([config.ZONE, config.NODE_NAME, config.NODE_EGRESS_NIC], ["my zone", "sf-7", '"eth1']);
    assert.deepEqual(warnings, []);
  });

  it("readConfig: a line that is none is warned of by its number", () => {
    assert.deepEqual(readConfig({}, "ZONE=a\n[section]\n").warnings, [
      "line 2 of the configuration file is not NAME=value, ignored",
    ]);
  });

  it("readConfig: an unknown name is warned of, wherever it stands (fault 56)", () => {
    const { warnings } = read({ NO_SUCH: "1", toString: "x" }, "OTHER_ONE=2");
    assert.deepEqual(warnings.sort(), [
      "SHAKENFIST_NO_SUCH: no such setting, ignored",
      "SHAKENFIST_OTHER_ONE: no such setting, ignored",
      "SHAKENFIST_toString: no such setting, ignored",
    ]);
  });

  it("readConfig: variables of the client and of v0.3 are taken in silence (fault 56)", () => {
    const names = ["NAMESPACE", "KEY", "API_URL", "CONFIG", "LOGLEVEL_API", "API_COMMAND_LINE"];
    assert.deepEqual(read(Object.fromEntries(names.map((name) => [name, "x"]))).warnings, []);
    assert.deepEqual(readConfig({ PATH: "/bin", HOME: undefined }).warnings, []);
  });

  it("describeConfig: a row for each setting, secrets masked, changes marked", () => {
    const rows = describeConfig(read({ AUTH_SECRET_SEED: "hush", ETCD_HOSTS: "a:1,b:2" }).config);
    assert.equal(rows.length, Object.keys(settings).length);
    const row = (name: string) => rows.find((each) => each.name === `SHAKENFIST_${name}`);
    assert.deepEqual([row("AUTH_SECRET_SEED")?.value, row("AUTH_SECRET_SEED")?.changed], ["********", true]);
    assert.deepEqual([row("ETCD_HOSTS")?.value, row("ETCD_HOSTS")?.changed], ["a:1,b:2", true]);
    assert.deepEqual([row("API_PORT")?.value, row("API_PORT")?.changed], ["13000", false]);
    assert.doesNotMatch(JSON.stringify(rows), /hush/);
  });

  it("describeConfig: a secret that is not set is not shown as one", () => {
    const rows = describeConfig(readConfig({}).config);
    assert.equal(rows.find(({ name }) => name.endsWith("AUTH_SECRET_SEED"))?.value, "");
  });
});
