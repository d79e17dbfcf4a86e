// Keeps a server busy with wrk, which costs less than any server it asks, and says how fast it was and what it cost.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { Agent, type RequestOptions, request } from "node:http";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { median } from "./figures.ts";

const REPORT = fileURLToPath(new URL("wrk-report.lua", import.meta.url));
const GRACE_MS = 30_000;
const run = promisify(execFile);

export interface Load {
  /** Requests a second. */
  rate: number;
  /** What the server's process used for one request, user and system. */
  cpu_us: number;
  p50_ms: number;
  p99_ms: number;
}

export interface Target {
  url: string;
  token: string;
  /** The server's process. */
  pid: number;
}

/** So many connections, each of which asks again as soon as it is answered. Rejects when an answer is not a success. */
export async function load({ url, token, pid }: Target, seconds: number, connections: number): Promise<Load> {
  const before_s = cpuSeconds(pid);
  const size = [`-t1`, `-c${connections}`, `-d${seconds}s`];
  const header = `Authorization: Bearer ${token}`;
  const { stdout } = await run("wrk", [...size, "-s", REPORT, "-H", header, url], {
    timeout: seconds * 1000 + GRACE_MS,
  });
  const used_s = cpuSeconds(pid) - before_s;
  const found = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Record<string, number>;
  const { requests = 0, seconds: took_s = 0, p50_us = 0, p99_us = 0, wrong } = found;
  if (wrong !== 0) throw new Error(`${url}: ${wrong} of ${requests} answers were not a success`);
  return {
    ...{ rate: requests / took_s, cpu_us: (used_s * 1e6) / requests },
    ...{ p50_ms: p50_us / 1000, p99_ms: p99_us / 1000 },
  };
}

/**
 * The 99th percentile, ms, for one user who pauses after each answer: what somebody waits, and not what a server that is kept
 * busy without end can do.
 */
export async function paced({ url, token }: Target, seconds: number, pause_ms: number): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const started = performance.now();
    const status = await statusOf(url, { agent, headers: { authorization: `Bearer ${token}` } });
    times.push(performance.now() - started);
    if (status !== 200) throw new Error(`${url}: ${status}`);
    await setTimeout(pause_ms);
  }
  agent.destroy();
  return times.toSorted((one, other) => one - other)[Math.floor(times.length * 0.99)] ?? Number.NaN;
}

/** Not by fetch, whose own work would be most of what is measured. */
function statusOf(url: string, options: RequestOptions): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (response) => {
      response.resume().once("end", () => resolve(response.statusCode));
    });
    sent.once("error", reject).end();
  });
}

/** The kernel counts in hundredths. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The median of each of them. */
export function typical(loads: readonly Load[]): Load {
  const of = (field: keyof Load) => median(loads.map((each) => each[field]));
  return { rate: of("rate"), cpu_us: of("cpu_us"), p50_ms: of("p50_ms"), p99_ms: of("p99_ms") };
}
