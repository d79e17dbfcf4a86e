// Where this package is, whether it runs from source or built.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

function packageRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, "templates"))) {
    if (directory === dirname(directory)) throw new Error("the package is not whole: no templates beside it");
    directory = dirname(directory);
  }
  return directory;
}

export const ROOT = packageRoot();
export const TEMPLATES = join(ROOT, "templates");
