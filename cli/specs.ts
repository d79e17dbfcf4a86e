// The small languages of "instance create": `size@base`, `network@address`, `key=value,key=value` and a bare memory size.
import type { DiskRequest, NicRequest, Video } from "#shared/api/types.ts";
import { integer } from "./command.ts";
import { Refusal, UsageError } from "./errors.ts";

/** `8` or `8@ubuntu`. */
export function diskFromShort(text: string): DiskRequest {
  const [size, base] = splitAtFirst(text, "@");
  return { size: wholeNumber(size, "Disk size"), base: base ?? null, bus: null, type: "disk" };
}

/** `size=8,base=ubuntu,bus=ide,type=cdrom`, keys as they are given. */
export function diskFromSpec(text: string): DiskRequest {
  const pairs = parsePairs(text, "disk", ["size", "base", "bus", "type"]);
  return "size" in pairs ? { ...pairs, size: wholeNumber(pairs.size, "Disk size") } : pairs;
}

/** `network` or `network@address`. */
export function nicFromShort(text: string): NicRequest {
  const [network_uuid, address] = splitAtFirst(text, "@");
  return { network_uuid, address: address ?? null, macaddress: null, model: "virtio" };
}

/** `network_uuid=…,address=…,macaddress=…,model=…`. */
export function nicFromSpec(text: string): NicRequest {
  const pairs = parsePairs(text, "network", ["network_uuid", "address", "macaddress", "model"]);
  const { network_uuid } = pairs;
  if (network_uuid === undefined)
    throw new Refusal(`Error in network specification - network_uuid is missing: ${text}`);
  return { ...pairs, network_uuid };
}

/** `model=…,memory=…`, each with a default. */
export function videoFromSpec(text: string | null): Video {
  const given = text === null ? {} : parsePairs(text, "video", ["model", "memory"]);
  const pairs = { model: "cirrus", memory: "16384", ...given };
  return { ...pairs, memory: wholeNumber(pairs.memory, "Video memory") };
}

/** MiB from `1024`, `512M` or `2G`. A bare number below 256 was once meant as GB, so `guessed` says that it still is. */
export function memoryFrom(text: string): { memory: number; guessed: boolean } {
  const [, digits, unit] = /^(\d+)([mg])?i?b?$/i.exec(text.trim()) ?? [];
  if (digits === undefined) throw new UsageError(`"${text}" is not a memory size: give MB, or 512M or 2G`);
  const number = integer(digits);
  const guessed = unit === undefined && number < 256;
  return { memory: guessed || unit?.toLowerCase() === "g" ? number * 1024 : number, guessed };
}

function parsePairs(text: string, what: string, known: readonly string[]): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const piece of piecesOf(text, known)) {
    const [key, value] = splitAtFirst(piece, "=");
    if (value === undefined) {
      throw new Refusal(`Error in ${what} specification - should be key=value: ${piece}`);
    }
    pairs[key] = value;
  }
  return pairs;
}

/** A comma inside a base image's URL ends nothing: only one before a known key does. */
function piecesOf(text: string, known: readonly string[]): string[] {
  const pieces: string[] = [];
  for (const piece of text.split(",")) {
    const previous = pieces.at(-1);
    const startsPair = known.includes(splitAtFirst(piece, "=")[0]);
    const inUrl = !startsPair && previous !== undefined && /^base=.*:\/\//.test(previous);
    if (inUrl) pieces[pieces.length - 1] = `${previous},${piece}`;
    else pieces.push(piece);
  }
  return pieces;
}

function splitAtFirst(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + mark.length)];
}

function wholeNumber(text: string | undefined, what: string): number {
  if (text === undefined || !/^\s*\d+\s*$/.test(text)) throw new Refusal(`${what} is not an integer`);
  return Number(text);
}
