import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { isKind } from "#shared/errors.ts";
import { openTemplates } from "#shared/render.ts";

const root = mkdtempSync(join(tmpdir(), "sf-render-"));
after(() => rmSync(root, { recursive: true }));
const site = join(root, "site");
const builtIn = join(root, "built-in");
mkdirSync(site);
mkdirSync(builtIn);
writeFileSync(join(builtIn, "a.xml"), "<a b='{{ value }}'/>");
writeFileSync(join(builtIn, "a.conf"), "a={{ value }}\n{% for each in list %}\nb={{ each }}\n{% endfor %}\n");
writeFileSync(join(builtIn, "broken.xml"), "{% if %}");
const templates = openTemplates([site, builtIn]);

test("render: escapes every character that XML gives a meaning, in *.xml only (fault 2)", () => {
  const value = `&<>"'`;
  assert.equal(templates.render("a.xml", { value }), "<a b='&amp;&lt;&gt;&quot;&#39;'/>");
  assert.equal(templates.render("a.conf", { value, list: [1, 2] }), `a=${value}\nb=1\nb=2\n`);
});

test("render: an undefined value, a broken and an absent template are errors that name the template", () => {
  for (const name of ["a.xml", "broken.xml", "absent.xml", "../site"])
    assert.throws(
      () => templates.render(name, {}),
      (error) => isKind(error, "internal") && error.message.startsWith(`template ${name}: `),
    );
});

test("render: the first directory that has the template wins", () => {
  writeFileSync(join(site, "a.xml"), "<site/>");
  assert.equal(openTemplates([site, builtIn]).render("a.xml", {}), "<site/>");
});
