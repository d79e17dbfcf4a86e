// Builds sf-node: plain JavaScript that needs no compiler in memory. Functions stay files of their own, found by their paths;
// what they share stands in chunks. `node --import tsx deploy/build-node.ts` puts it into dist/node/.
import { chmod, copyFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../", import.meta.url));

/** Answers the path of the program. */
export async function buildNode(directory: string): Promise<string> {
  const files = await readdir(join(root, "functions"), { recursive: true });
  const functions = files.filter((file) => file.endsWith(".ts")).map((file) => join(root, "functions", file));
  const fresh = `${directory}.${process.pid}`;
  try {
    await buildInto(fresh, functions);
    await replace(directory, fresh);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return join(directory, "runtime/main.js");
}

async function buildInto(directory: string, functions: readonly string[]): Promise<void> {
  await build({
    entryPoints: [join(root, "runtime/main.ts"), ...functions],
    outbase: root,
    outdir: directory,
    bundle: true,
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    packages: "external",
    platform: "node",
    target: "node20",
    format: "esm",
    // Steps of jobs are known by the names of their functions.
    keepNames: true,
    logLevel: "warning",
  });
  await writeFile(join(directory, "package.json"), '{ "type": "module" }\n');
  // Run in a process or a thread of their own, and are found beside what starts them.
  for (const apart of ["hypervisor/libvirt-child.mjs", "http/digest-thread.mjs"])
    await copyFile(join(root, "shared/ports", apart), join(directory, "runtime", basename(apart)));
  await chmod(join(directory, "runtime/main.js"), 0o755);
}

/** Almost at one stroke, so that a node which starts meanwhile hardly ever finds half a build. */
async function replace(directory: string, fresh: string): Promise<void> {
  const old = `${fresh}.old`;
  await rename(directory, old).catch((error) => {
    if (error.code !== "ENOENT") throw error;
  });
  await rename(fresh, directory);
  await rm(old, { recursive: true, force: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await buildNode(join(root, "dist/node")));
