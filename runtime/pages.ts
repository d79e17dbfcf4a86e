// The description of the API at /openapi.json, and at /docs a page to read it by: swagger-ui from node_modules, which asks
// no other host for anything. All are routes like those of functions; made when first asked for, then kept.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Content, http } from "./define.ts";
import { openApiDocument } from "./openapi.ts";
import type { Route, Table } from "./scan.ts";
import { VERSION } from "./version.ts";

const SCRIPT = "text/javascript; charset=utf-8";

/** All of the package that is served. */
const FILES: Readonly<Record<string, string>> = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": SCRIPT,
  "favicon-32x32.png": "image/png",
};

/** Asked for again with each new version of the package: see the links of the page. */
const FOR_EVER = { "Cache-Control": "public, max-age=31536000, immutable" };
const FRESH = { "Cache-Control": "no-cache" };

/** Scripts, styles and requests of this origin only; swagger-ui has styles and images in its text. */
const PAGE_HEADERS = {
  ...FRESH,
  "Content-Security-Policy":
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
};

const START = `SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#page",
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false,
});
`;

const page = (version: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Shaken Fist API</title>
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png?v=${version}">
<link rel="stylesheet" href="/docs/swagger-ui.css?v=${version}">
<div id="page"></div>
<script src="/docs/swagger-ui-bundle.js?v=${version}"></script>
<script src="/docs/start.js"></script>
</html>
`;

export function openPages(table: Table): Route[] {
  const files = Object.entries(FILES).map(([name, type]) =>
    served(`/docs/${name}`, () => new Content(type, fromPackage(name), FOR_EVER)),
  );
  return [
    served("/openapi.json", () => {
      const document = openApiDocument(table.routes, VERSION);
      return new Content("application/json", `${JSON.stringify(document)}\n`, FRESH);
    }),
    served("/docs", () => {
      const { version } = JSON.parse(fromPackage("package.json").toString()) as { version: string };
      return new Content("text/html; charset=utf-8", page(version), PAGE_HEADERS);
    }),
    served("/docs/start.js", () => new Content(SCRIPT, START, FRESH)),
    ...files,
  ];
}

/** Found as it is from source and from the build alike: in the nearest node_modules. */
function fromPackage(name: string): Buffer {
  const manifest = createRequire(import.meta.url).resolve("swagger-ui-dist/package.json");
  return readFileSync(join(dirname(manifest), name));
}

function served(path: string, make: () => Content): Route {
  let made: Content | undefined;
  const definition = http({
    summary: "A page of the API's description",
    access: "anyone",
    run() {
      made ??= make();
      return made;
    },
  });
  return { method: "GET", path, file: import.meta.url, definition: definition as Route["definition"] };
}
