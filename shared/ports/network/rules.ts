// Our one nftables table, on the node and in each namespace: replaced as a whole, in one transaction, when it differs.
// What the kernel lists is compared with what it listed right after our last load, so that a site may write its templates
// as it likes. A process that has not loaded a table yet loads it again: established connections do not notice.
import { CloudError } from "../../errors.ts";
import type { Exec } from "../exec/exec.ts";
import { RULES_TABLE } from "./names.ts";

export interface Rules {
  /** The rules as they are, in a form to compare; empty when there are none. */
  read(namespace?: string): Promise<string>;
  /** Given the rules as read; true when they were missing or had been changed. */
  ensure(text: string, before: string, namespace?: string): Promise<boolean>;
  /** Takes the node's table away. */
  remove(): Promise<void>;
  /** To be called when a namespace is gone. */
  forget(namespace: string): void;
}

const REMOVAL = `add table inet ${RULES_TABLE}\ndelete table inet ${RULES_TABLE}\n`;

export function openRules(exec: Exec): Rules {
  const loaded = new Map<string, { text: string; listing: string }>();

  async function load(text: string, namespace?: string): Promise<void> {
    await exec.run("nft", ["-f", "-"], { input: REMOVAL + text, ...within(namespace) });
  }

  async function read(namespace?: string): Promise<string> {
    const args = ["--json", "--stateless", "list", "table", "inet", RULES_TABLE];
    const { code, stdout, stderr } = await exec.run("nft", args, { accept: [0, 1], ...within(namespace) });
    if (code === 0) return comparable(stdout);
    if (stderr.includes("No such file or directory")) return "";
    throw new CloudError("internal", `nft: ${stderr.trim()}`);
  }

  return {
    read,
    async ensure(text, before, namespace) {
      const known = loaded.get(namespace ?? "");
      if (known?.text === text && known.listing === before) return false;
      await load(text, namespace);
      const listing = await read(namespace);
      loaded.set(namespace ?? "", { text, listing });
      return listing !== before;
    },
    async remove() {
      await load("");
      loaded.delete("");
    },
    forget: (namespace) => void loaded.delete(namespace),
  };
}

const within = (namespace: string | undefined) => (namespace === undefined ? {} : { namespace });

/** Handles are counted by the kernel and the elements of a set come in the order of its hash: neither is a difference. */
function comparable(json: string): string {
  return JSON.stringify(JSON.parse(json), (key, value: unknown) => {
    if (key === "handle" || key === "metainfo") return undefined;
    if ((key === "elem" || key === "set") && Array.isArray(value))
      return value.map((it) => JSON.stringify(it)).sort();
    return value;
  });
}
