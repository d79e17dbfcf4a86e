// Puts a finished file where it belongs, whole or not at all, also across a loss of power.
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Both names must lie on one file system. */
export async function placeFile(temporary: string, path: string, mode: number): Promise<void> {
  const file = await open(temporary, "r");
  try {
    await file.chmod(mode);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const directory = await open(dirname(path), "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
