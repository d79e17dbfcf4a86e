// Our nftables tables: `inet` on the node and in each namespace, `bridge` on the node. Each is replaced as a whole, in one
// transaction, when it differs. What the kernel lists is compared with what it listed right after our last load, so that a
// site may write its templates as it likes. A process that has not loaded a table yet loads it again: established
// connections do not notice.
import { CloudError } from "../../errors.ts";
import type { Exec } from "../exec/exec.ts";
import { RULES_TABLE } from "./names.ts";

/** Where a table of ours is. */
export interface Place {
  family: "inet" | "bridge";
  namespace?: string;
}

/** `changed`: other rules were wanted than before; `mended`: they were missing or not as they had been left. */
export type Outcome = "same" | "changed" | "mended";

export interface Rules {
  /** The rules as they are, in a form to compare; empty when there are none. */
  read(place: Place): Promise<string>;
  /** Whether other rules than these were loaded last: then they need not be read to know that they must be replaced. */
  isNew(place: Place, text: string): boolean;
  /** Given the rules as read; without them nobody looks whether they were damaged. */
  ensure(place: Place, text: string, before: string | undefined): Promise<Outcome>;
  remove(place: Place): Promise<void>;
  /** To be called when a namespace is gone. */
  forget(namespace: string): void;
}

export const NODE: Place = { family: "inet" };
export const GUESTS: Place = { family: "bridge" };
export const inNamespace = (namespace: string): Place => ({ family: "inet", namespace });

export function openRules(exec: Exec): Rules {
  const loaded = new Map<string, { text: string; listing: string }>();

  async function load(place: Place, text: string): Promise<void> {
    await exec.run("nft", ["-f", "-"], { input: removal(place) + text, ...within(place) });
  }

  async function read(place: Place): Promise<string> {
    const args = ["--json", "--stateless", "list", "table", place.family, RULES_TABLE];
    const { code, stdout, stderr } = await exec.run("nft", args, { accept: [0, 1], ...within(place) });
    if (code === 0) return comparable(stdout);
    if (stderr.includes("No such file or directory")) return "";
    throw new CloudError("internal", `nft: ${stderr.trim()}`);
  }

  return {
    read,
    isNew(place, text) {
      const known = loaded.get(keyOf(place));
      return known !== undefined && known.text !== text;
    },
    async ensure(place, text, before) {
      const known = loaded.get(keyOf(place));
      if (known?.text === text && known.listing === before) return "same";
      await load(place, text);
      const listing = await read(place);
      const outcome = judge(before, known?.listing, listing);
      // Whoever is changing rules may have done so again before they were listed: they are loaded once more next time.
      if (listing === "" || (outcome === "mended" && before !== "")) loaded.delete(keyOf(place));
      else loaded.set(keyOf(place), { text, listing });
      return outcome;
    },
    async remove(place) {
      await load(place, "");
      loaded.delete(keyOf(place));
    },
    forget: (namespace) => void loaded.delete(keyOf(inNamespace(namespace))),
  };
}

function judge(before: string | undefined, known: string | undefined, listing: string): Outcome {
  if (listing === before) return "same";
  return before === undefined || before === known ? "changed" : "mended";
}

const keyOf = ({ family, namespace }: Place) => `${family} ${namespace ?? ""}`;
const within = ({ namespace }: Place) => (namespace === undefined ? {} : { namespace });
const removal = ({ family }: Place) =>
  `add table ${family} ${RULES_TABLE}\ndelete table ${family} ${RULES_TABLE}\n`;

/** Handles are counted by the kernel and the elements of a set come in the order of its hash: neither is a difference. */
function comparable(json: string): string {
  return JSON.stringify(JSON.parse(json), (key, value: unknown) => {
    if (key === "handle" || key === "metainfo") return undefined;
    if ((key === "elem" || key === "set") && Array.isArray(value))
      return value.map((it) => JSON.stringify(it)).sort();
    return value;
  });
}
