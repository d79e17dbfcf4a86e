// The identity of a node's installation: a file in its storage, made once. A restarted node is told by it from another node
// that has been given the same name.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const FILE = "installation";
const ID = /^[0-9a-f-]{36}$/;

export async function readInstallation(storagePath: string): Promise<string> {
  const path = join(storagePath, FILE);
  const known = (await readFile(path, "utf8").catch(absent)).trim();
  if (ID.test(known)) return known;
  const made = crypto.randomUUID();
  await writeFile(path, `${made}\n`, { mode: 0o644 });
  return made;
}

function absent(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") return "";
  throw error;
}
