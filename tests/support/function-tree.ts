// Trees of function files in a directory of their own, for tests of what loads them.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";

/** What each kind of file has to export, at the least. */
export const http = `export default { summary: "A test", access: "anyone", run: () => null };\n`;
export const job = `export default { summary: "A test", deadline_ms: 1, attempts: 1, subject: () => undefined,
  steps: [], finish: () => [], undo: [], fail: () => [] };\n`;
export const schedule = `export default { summary: "A test", every_s: () => 1, deadline_ms: 1, run: async () => {} };\n`;
export const on = `export default { summary: "A test", event: "power", run: () => {} };\n`;

/** The directory with these files, by path, outside of the package as a site's is; gone after the test. */
export async function functionTree(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "sf-functions-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
  return directory;
}
