// What a check of the doctor is: it looks for one kind of leak or of broken prerequisite. What it finds says what is wrong and
// how it is mended; where that is safe, it brings the act along.
import type { Cloud } from "../cloud.ts";

export interface Found {
  /** The thing, so that it can be found again: two looks at the same thing give the same subject. */
  subject: string;
  problem: string;
  /** What a person types, or does. */
  mend: string;
  /** Does it. Looks once more first, where that costs little: time has gone by. */
  fix?: () => Promise<void>;
}

export interface Check {
  /** Lower case with dashes: what `--check` takes. */
  readonly name: string;
  /** What is right when nothing is found. */
  readonly summary: string;
  /** `cloud`: the same wherever it is asked, so that one node is enough. */
  readonly scope: "node" | "cloud";
  /** The cleanup mends it by itself: whatever went wrong before, nothing that somebody wants can be among it. */
  readonly routine?: true;
  /** It compares with records: unknown while the store cannot be asked. */
  readonly reads_store: boolean;
  /**
   * A mistake is tolerable, for it is only believed when a second look finds the same thing: what is on its way comes or goes
   * meanwhile. Rejects when it cannot know.
   */
  readonly find: (cloud: Cloud, signal: AbortSignal) => Promise<Found[]> | Found[];
}

export const check = (definition: Check): Check => definition;
