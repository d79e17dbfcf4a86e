// Builds both programs into dist/ and marks when: what is newer than the mark is not in them.
import { mkdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildCli } from "./build-cli.ts";
import { buildNode } from "./build-node.ts";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const started = new Date();

await mkdir(dist, { recursive: true });
console.log(await buildCli(dist));
console.log(await buildNode(join(dist, "node")));
// As of the start: a file that changed meanwhile may not be in.
const mark = join(dist, ".built");
await writeFile(mark, "");
await utimes(mark, started, started);
