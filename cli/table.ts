// Tables as Python's prettytable draws them: cells centred, odd space where str.center() would put it.

export interface TableOptions {
  /** Titles of columns that are flush left. */
  readonly left?: readonly string[];
}

/** Lines without a newline at the end. A cell may have several lines. */
export function drawTable(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string {
  const widths = titles.map((title, at) =>
    Math.max(...[title, ...rows.map((row) => row[at] ?? "")].map(widthOf)),
  );
  const rule = `+${widths.map((width) => "-".repeat(width + 2)).join("+")}+`;
  const isLeft = titles.map((title) => options.left?.includes(title) ?? false);
  const draw = (row: readonly string[]) => drawRow(row, widths, isLeft);
  return [rule, draw(titles), rule, ...rows.map(draw), rule].join("\n");
}

function drawRow(row: readonly string[], widths: readonly number[], isLeft: readonly boolean[]): string {
  const cells = row.map((cell) => cell.split("\n"));
  const height = Math.max(...cells.map((lines) => lines.length));
  const drawLine = (at: number) => {
    const drawn = cells.map((lines, column) => {
      const text = lines[at] ?? "";
      const width = widths[column] ?? 0;
      return isLeft[column] ? text.padEnd(width) : centred(text, width);
    });
    return `| ${drawn.join(" | ")} |`;
  };
  return Array.from({ length: height }, (_, at) => drawLine(at)).join("\n");
}

function widthOf(cell: string): number {
  return Math.max(...cell.split("\n").map((line) => line.length));
}

function centred(text: string, width: number): string {
  const space = width - text.length;
  const left = Math.floor(space / 2) + (space % 2 === 1 && text.length % 2 === 0 ? 1 : 0);
  return " ".repeat(left) + text + " ".repeat(space - left);
}
