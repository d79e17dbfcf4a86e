// Prints docs/openapi.json from the functions: `node --import tsx deploy/docs/openapi.ts`. A house test compares the file
// with it.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { openApiDocument } from "../../runtime/openapi.ts";
import { scan } from "../../runtime/scan.ts";
import { VERSION } from "../../runtime/version.ts";

const FUNCTIONS = fileURLToPath(new URL("../../functions", import.meta.url));
const FORMATTER = fileURLToPath(new URL("../../node_modules/.bin/biome", import.meta.url));

/** In the format that the check of all files wants. */
export async function openApiFile(): Promise<string> {
  const { routes } = await scan([FUNCTIONS]);
  const input = JSON.stringify(openApiDocument(routes, VERSION), null, 2);
  return execFileSync(FORMATTER, ["format", "--stdin-file-path=docs/openapi.json"], {
    input,
    encoding: "utf8",
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(await openApiFile());
