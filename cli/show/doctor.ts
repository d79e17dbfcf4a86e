// What "admin doctor" found: a line a check, and below it what is wrong and the command that mends it.
import type { Diagnosis, Finding } from "#shared/api/types.ts";
import { type Output, printable } from "../output.ts";

export interface Examined {
  node: string;
  /** Why it could not be asked. */
  reason: string | null;
  checks: Diagnosis[] | null;
}

const COLOURS: Readonly<Record<string, number>> = { ok: 32, mended: 32, found: 31, failed: 31, unknown: 33 };
const WIDTH = 7;
const INDENT = " ".repeat(10);

export const isWell = ({ checks }: Examined): boolean =>
  checks?.every(({ state }) => state === "ok") === true;

export function showExamined(out: Output, examined: readonly Examined[]): void {
  if (out.format === "json") out.json({ nodes: examined });
  else if (out.format === "simple") showRows(out, examined);
  else showNodes(out, examined);
}

function showNodes(out: Output, examined: readonly Examined[]): void {
  for (const each of examined) showNode(out, each);
  out.line(summaryOf(examined));
}

function showRows(out: Output, examined: readonly Examined[]): void {
  out.row("node", "check", "state", "subject", "problem", "mend");
  for (const { node, reason, checks } of examined) {
    if (checks === null) out.row(node, "", "unknown", "", reason, "");
    for (const each of checks ?? []) {
      if (each.findings.length === 0) out.row(node, each.check, each.state, "", each.reason ?? "", "");
      for (const it of each.findings)
        out.row(node, each.check, stateOf(it), it.subject, it.failure ?? it.problem, it.mend);
    }
  }
}

function showNode(out: Output, { node, reason, checks }: Examined): void {
  out.line(`node ${node}${reason === null ? "" : `: ${printable(reason)}`}`);
  for (const each of checks ?? []) {
    out.line(`  ${shown(out, each.state)} ${each.check}: ${each.summary}`);
    if (each.reason !== null) out.line(`${INDENT}${printable(each.reason)}`);
    for (const found of each.findings) showFinding(out, found);
  }
  out.line();
}

function showFinding(out: Output, finding: Finding): void {
  const { subject, problem, mend, mended, failure } = finding;
  out.line(`${INDENT}${printable(`${subject}: ${problem}`)}`);
  if (mended === true) {
    out.line(`${INDENT}  ${shown(out, "mended").trimEnd()}`);
    return;
  }
  if (failure !== undefined) out.line(`${INDENT}  ${shown(out, "failed")} ${printable(failure)}`);
  out.line(`${INDENT}  mend: ${printable(mend)}`);
}

const stateOf = ({ mended, failure }: Finding): string =>
  mended === true ? "mended" : failure === undefined ? "found" : "failed";

/** Green for what is well, red for what is not. */
function shown(out: Output, state: string): string {
  return out.painted(state.padEnd(WIDTH), COLOURS[state] ?? 0);
}

function summaryOf(examined: readonly Examined[]): string {
  const checks = examined.flatMap((each) => each.checks ?? []);
  const findings = checks.flatMap((each) => each.findings);
  const mended = findings.filter((each) => each.mended === true).length;
  const left = findings.length - mended;
  const fixable = findings.filter((each) => each.mendable && each.mended === undefined).length;
  const unknown = checks.filter(({ state }) => state === "unknown").length;
  const silent = examined.filter((each) => each.checks === null).map(({ node }) => node);
  const parts = [
    ...(mended > 0 ? [`${mended} mended`] : []),
    ...(left > 0 ? [`${left} found`] : []),
    ...(unknown > 0 ? [`${unknown} not known`] : []),
    ...(silent.length > 0 ? [`not asked: ${silent.join(", ")}`] : []),
  ];
  const advice = fixable > 0 ? `; sf-client admin doctor --fix mends ${fixable} of them` : "";
  return parts.length === 0 ? "All is well." : `${parts.join(", ")}${advice}`;
}
