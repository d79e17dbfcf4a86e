// What the benchmarks print: medians, with the least and the most.

export async function timed<T>(work: () => Promise<T>): Promise<[ms: number, result: T]> {
  const started = performance.now();
  const result = await work();
  return [performance.now() - started, result];
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** `123 ms (110–150)` */
export const figure = (values: readonly number[]): string =>
  `${median(values).toFixed(0)} ms (${Math.min(...values).toFixed(0)}–${Math.max(...values).toFixed(0)})`;

/** One line: ours, and beside it what was measured in the same run. */
export function report(
  what: string,
  ours: readonly number[],
  other?: readonly number[],
  otherWhat = "",
): void {
  const beside =
    other === undefined
      ? ""
      : `  beside ${otherWhat}: ${figure(other)}, ratio ${(median(ours) / median(other)).toFixed(2)}`;
  console.log(`  ${what}: ${figure(ours)}${beside}`);
}
