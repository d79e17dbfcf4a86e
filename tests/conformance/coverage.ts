// What the table of rows covers: routes that there are, and errors that clients know.
import { fileURLToPath } from "node:url";
import { scan } from "../../runtime/scan.ts";
import { LISTED } from "./listed-errors.ts";
import { rows } from "./table.ts";

const FUNCTIONS = fileURLToPath(new URL("../../functions", import.meta.url));

export interface Coverage {
  rows: number;
  /** "55 of 55". */
  routes: string;
  errors: string;
  /** What has no row, and rows of what there is not. */
  missing: string[];
}

export async function coverage(): Promise<Coverage> {
  const routes = (await scan([FUNCTIONS])).routes.map(({ method, path }) => `${method} ${path}`);
  const asked = new Set(rows.flatMap(({ of }) => of ?? []));
  const got = new Set(rows.map(({ of, gets }) => `${of}: ${gets.refusal}`));
  const listed = Object.entries(LISTED).flatMap(([of, errors]) => errors.map((error) => `${of}: ${error}`));
  const without = {
    routes: routes.filter((route) => !asked.has(route)),
    errors: listed.filter((error) => !got.has(error)),
  };
  const foreign = [...asked, ...Object.keys(LISTED)].filter((route) => !routes.includes(route));
  return {
    rows: rows.length,
    routes: `${routes.length - without.routes.length} of ${routes.length}`,
    errors: `${listed.length - without.errors.length} of ${listed.length}`,
    missing: [
      ...without.routes.map((route) => `${route}: has no row`),
      ...without.errors.map((error) => `${error}: has no row`),
      ...[...new Set(foreign)].map((route) => `${route}: is no route`),
    ],
  };
}
