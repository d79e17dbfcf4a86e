// The distributions that have a short name: their versions, where their images come from, and which checksums they publish.
import type { Source } from "./source.ts";

export interface Version {
  readonly vernum: string;
  readonly vername: string;
}

export interface Distribution {
  readonly name: string;
  readonly template: "DOWNLOAD_URL_CIRROS" | "DOWNLOAD_URL_UBUNTU" | "DOWNLOAD_URL_DEBIAN";
  readonly sums: Source["sums"];
  readonly sum_files: readonly string[];
  /** What may stand after the colon, for people. */
  readonly understood: string;
  /** The version that the text after the colon means. */
  parse(text: string): Version | undefined;
  /** All versions on an index page that are out by now. */
  list(page: string, now: number): Version[];
}

const ubuntuVersions: readonly Version[] = [
  { vernum: "14.04", vername: "trusty" },
  { vernum: "16.04", vername: "xenial" },
  { vernum: "18.04", vername: "bionic" },
  { vernum: "20.04", vername: "focal" },
  { vernum: "20.10", vername: "groovy" },
  { vernum: "21.04", vername: "hirsute" },
  { vernum: "21.10", vername: "impish" },
  { vernum: "22.04", vername: "jammy" },
  { vernum: "22.10", vername: "kinetic" },
  { vernum: "23.04", vername: "lunar" },
  { vernum: "23.10", vername: "mantic" },
  { vernum: "24.04", vername: "noble" },
  { vernum: "24.10", vername: "oracular" },
  { vernum: "25.04", vername: "plucky" },
  { vernum: "25.10", vername: "questing" },
];

/** Stable ones; what comes after them has images too, but is not what `debian` means. */
const debianVersions: readonly Version[] = [
  { vernum: "10", vername: "buster" },
  { vernum: "11", vername: "bullseye" },
  { vernum: "12", vername: "bookworm" },
  { vernum: "13", vername: "trixie" },
];

const cirros: Distribution = {
  name: "cirros",
  template: "DOWNLOAD_URL_CIRROS",
  sums: "optional",
  sum_files: ["MD5SUMS"],
  understood: "a version such as 0.5.2",
  parse: (text) => (/^\d+(\.\d+)*(-[0-9a-z]+)?$/.test(text) ? { vernum: text, vername: text } : undefined),
  list: (page) =>
    [...page.matchAll(/href="(\d+(?:\.\d+)+)\/?"/g)].map(([, vernum = ""]) => ({ vernum, vername: vernum })),
};

const ubuntu: Distribution = {
  name: "ubuntu",
  template: "DOWNLOAD_URL_UBUNTU",
  sums: "required",
  sum_files: ["SHA256SUMS", "MD5SUMS"],
  understood: `${namesOf(ubuntuVersions)}, or a later code name`,
  parse(text) {
    const known = findVersion(ubuntuVersions, text);
    return known ?? (/^[a-z]+$/.test(text) ? { vernum: text, vername: text } : undefined);
  },
  list: (page, now) =>
    [...page.matchAll(/href="([a-z]+)\/?".{0,300}Ubuntu Server (\d\d\.\d\d)(?:\.\d+)? LTS/g)]
      .map(([, vername = "", vernum = ""]) => ({ vernum, vername }))
      .filter(({ vernum }) => isReleased(vernum, now)),
};

const debian: Distribution = {
  name: "debian",
  template: "DOWNLOAD_URL_DEBIAN",
  sums: "required",
  sum_files: ["SHA512SUMS"],
  understood: namesOf(debianVersions),
  // The file's name has the number, so that a code name that is not in the table says too little.
  parse: (text) => findVersion(debianVersions, text),
  list: (page) =>
    [...page.matchAll(/href="([a-z]+)\/?"/g)].flatMap(
      ([, vername = ""]) => findVersion(debianVersions, vername) ?? [],
    ),
};

export const distributions: readonly Distribution[] = [cirros, ubuntu, debian];

const findVersion = (versions: readonly Version[], text: string): Version | undefined =>
  versions.find(({ vernum, vername }) => text === vernum || text === vername);

function namesOf(versions: readonly Version[]): string {
  return versions.map(({ vernum, vername }) => `${vernum} or ${vername}`).join(", ");
}

/** Ubuntu's numbers are year and month: out for certain when the month is over. */
function isReleased(vernum: string, now: number): boolean {
  const [year, month] = vernum.split(".").map(Number);
  return Date.UTC(2000 + (year ?? 0), month ?? 0) / 1000 <= now;
}

export const fill = (template: string, { vernum, vername }: Version): string =>
  template.replaceAll("%(vernum)s", vernum).replaceAll("%(vername)s", vername);
