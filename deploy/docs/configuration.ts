// Prints docs/configuration.md from the table of settings: `node --import tsx deploy/docs/configuration.ts`.
// A house test compares the file with it.
import { fileURLToPath } from "node:url";
import { settings } from "#shared/config.ts";

const HEAD = `# Configuration

<!-- Generated. To change it, change shared/config.ts, then:
     node --import tsx deploy/docs/configuration.ts > docs/configuration.md -->

A node takes each setting from the first of these that has it:

1. the environment: \`SHAKENFIST_<NAME>\`;
2. the file \`/etc/sf/sf-node.conf\`, or the one that \`SHAKENFIST_CONFIG\` names: lines of \`NAME=value\`, with or without
   \`SHAKENFIST_\` before the name; a line that begins with \`#\` is a comment;
3. the default.

They are read once, at the start. A value that cannot be read stops the start and is named; an unknown name is only warned
of. \`sf-node config\` prints what is in force, with secrets masked. Lists are separated by commas or blanks. Flags are
\`true\` or \`false\`. The client has variables of its own: see [cli.md](cli.md).

`;

export function configurationPage(): string {
  const rows = Object.entries(settings).map(
    ([name, setting]) => `| \`${name}\` | ${shown(setting.default)} | ${cell(setting.about)} |`,
  );
  return `${HEAD}${["| name | default | meaning |", "|---|---|---|", ...rows].join("\n")}\n`;
}

function shown(value: unknown): string {
  const text = Array.isArray(value) ? value.join(",") : String(value);
  return text === "" ? "(empty)" : `\`${text}\``;
}

/** Text that neither ends its cell nor is taken for a tag. */
const cell = (text: string): string => text.replace(/[|<]/g, "\\$&");

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(configurationPage());
