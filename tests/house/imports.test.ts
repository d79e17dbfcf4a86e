import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { type Import, importsOf, sources } from "./sources.ts";

const imports = sources.flatMap(importsOf);

/** Who may import what of ours: the first row that fits the importer counts. */
const rules: [who: RegExp, may: RegExp][] = [
  [/^functions\//, /^runtime\/define\.ts$|^shared\/(?!ports\/|api\/client)|^shared\/ports\/\w+\/(\w+)\.ts$/],
  [/^runtime\/(node|teardown)\.ts$/, /^(runtime|shared)\//],
  [/^runtime\//, /^(runtime|shared)\/(?!ports\/)|^shared\/ports\/store\/(store|transact)\.ts$/],
  [/^shared\/api\//, /^shared\/api\//],
  // The network is made by programs.
  [
    /^shared\/ports\/network\//,
    /^shared\/(errors|log|mutex)\.ts$|^shared\/ports\/(network\/|exec\/exec\.ts$)/,
  ],
  [/^shared\/ports\/exec\//, /^shared\/errors\.ts$|^shared\/ports\/exec\//],
  [/^shared\/ports\/http\//, /^shared\/errors\.ts$|^shared\/ports\/http\//],
  [/^shared\/ports\/hypervisor\//, /^shared\/(errors|clock|log)\.ts$|^shared\/ports\/hypervisor\//],
  [/^shared\/ports\/store\//, /^shared\/(errors|clock|log)\.ts$|^shared\/ports\/store\//],
  [/^shared\/cloud\.ts$/, /^shared\//],
  [/^shared\/[\w-]+\.ts$/, /^shared\/[\w-]+\.ts$|^shared\/ports\/store\/(store|transact)\.ts$/],
  [/^shared\/\w+\//, /^shared\//],
  [/^cli\//, /^(cli|shared\/api)\/|^package\.json$/],
  [/^(deploy|tests|bench)\//, /./],
];

const INTERFACES = /^shared\/ports\/(?<port>\w+)\/(\k<port>|transact)\.ts$/;

/** The nouns, each allowed those before it. */
const ORDER = ["events", "namespaces", "nodes", "images", "networks", "instances", "doctor"];

/** The only files that may import a package; a package that is not here may be imported by no file of the product. */
const importers: Record<string, RegExp> = {
  "hyper-express": /^runtime\/listen\.ts$/,
  "itty-router": /^runtime\/router\.ts$/,
  etcd3: /^shared\/ports\/store\/(etcd[\w-]*|members)\.ts$/,
  "@unraid/libvirt": /^shared\/ports\/hypervisor\/libvirt-child\.mjs$/,
  nunjucks: /^shared\/render\.ts$/,
  pino: /^shared\/log\.ts$/,
  "fast-jwt": /^shared\/jwt\.ts$/,
  "@node-rs/argon2": /^shared\/namespaces\/keys\.ts$/,
  commander: /^cli\//,
  esbuild: /^deploy\/build-\w+\.ts$/,
  zod: /^(functions\/|runtime\/(define|input|openapi)\.ts$|shared\/.*input\.ts$|shared\/api\/schemas\.ts$)/,
};

const isProduct = ({ from }: Import) => !from.startsWith("tests/") && !from.startsWith("bench/");

function isAllowed(each: Import): boolean {
  const rule = rules.find(([who]) => who.test(each.from));
  assert.ok(rule, `${each.from}: no rule says what it may import`);
  if (!rule[1].test(each.what)) return false;
  return !/^(functions|shared\/(?!ports))/.test(each.from) || isDomainImport(each);
}

/** Of the ports only interfaces; of the nouns only those below; of the cloud the types. */
function isDomainImport({ from, what, typeOnly }: Import): boolean {
  if (what.startsWith("shared/ports/")) return INTERFACES.test(what);
  if (from === "shared/cloud.ts") return typeOnly || !/^shared\/\w+\//.test(what);
  const noun = (path: string) => ORDER.indexOf(/^shared\/(\w+)\//.exec(path)?.[1] ?? "");
  return !from.startsWith("shared/") || noun(what) <= noun(from);
}

const shown = (wrong: Import[]) => wrong.map(({ from, what }) => `${from} imports ${what}`);

describe("imports", () => {
  it("every import of ours: is one that the importer's place allows", () => {
    assert.ok(imports.length > 500);
    assert.deepEqual(shown(imports.filter((each) => each.ours && !isAllowed(each))), []);
  });

  it("every package: is imported by its one importer alone", () => {
    const foreign = imports.filter((each) => !each.ours && isProduct(each) && !each.what.startsWith("node:"));
    assert.deepEqual(shown(foreign.filter(({ from, what }) => !importers[what]?.test(from))), []);
  });

  it("no file of the product: imports a test, a fake or a benchmark", () => {
    const wrong = imports.filter(isProduct).filter(({ ours, what }) => ours && /^(tests|bench)\//.test(what));
    assert.deepEqual(shown(wrong), []);
    const fakes = imports.filter(({ from }) => /^(functions|runtime|cli|shared\/(?!ports))/.test(from));
    assert.deepEqual(shown(fakes.filter(({ what }) => /\/(fake|memory[\w-]*)\.ts$/.test(what))), []);
  });

  it("every import of ours: carries its suffix", () => {
    assert.deepEqual(shown(imports.filter(({ ours, what }) => ours && !/\.(ts|mjs|json)$/.test(what))), []);
  });
});
