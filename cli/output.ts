// What a command prints, in the format the user chose. Columns, labels and their order are parsed by scripts: never change them.
import { compactJson, indentedJson, pythonText } from "./python.ts";
import { drawTable, type TableOptions } from "./table.ts";

export type Format = "pretty" | "simple" | "json";

/** Title → the row's field, or the field and how to show it in pretty and simple. */
export type Columns = Readonly<Record<string, string | readonly [string, (value: unknown) => string]>>;

export interface Streams {
  /** `written` is called once there is room for more. */
  write(data: string | Buffer, written?: () => void): void;
  warn(text: string): void;
  /** Only where somebody looks on: writes a line over the last one. */
  progress?: ((text: string) => void) | undefined;
  /** Colours are understood. */
  isTerminal?: boolean;
}

export class Output {
  readonly format: Format;
  readonly #streams: Streams;

  constructor(format: Format, streams: Streams) {
    this.format = format;
    this.#streams = streams;
  }

  raw(data: Buffer): void {
    this.#streams.write(data);
  }

  /** As `raw`, bytes as they come, at the pace of whoever reads them. */
  async rawStream(chunks: AsyncIterable<Buffer>): Promise<void> {
    for await (const chunk of chunks)
      await new Promise<void>((resolve) => this.#streams.write(chunk, resolve));
  }

  line(text = ""): void {
    this.#streams.write(`${text}\n`);
  }

  /** To stderr, in any format: never in the way of a parser. */
  warn(text: string): void {
    this.#streams.warn(`WARNING: ${text}`);
  }

  /** The text in a colour (of ECMA-48), on a terminal. */
  painted(text: string, colour: number): string {
    return this.#streams.isTerminal === true ? `\x1b[${colour}m${text}\x1b[0m` : text;
  }

  /** How far a command is: one line on a terminal's stderr that changes; "" takes it away. */
  progress(text: string): void {
    this.#streams.progress?.(printable(text));
  }

  json(value: unknown): void {
    this.line(indentedJson(value));
  }

  compactJson(value: unknown): void {
    this.line(compactJson(value));
  }

  /** An act with nothing to show: `{}` for programs. */
  done(): void {
    if (this.format === "json") this.json({});
  }

  /** `label: value`, padded in pretty, bare in simple. */
  field(width: number, label: string, value: unknown): void {
    if (this.format === "simple") this.line(`${label}:${pythonText(value)}`);
    else this.line(`${label.padEnd(width)}: ${printable(pythonText(value))}`);
  }

  /** As `field`, four columns in; for pretty only. */
  indentedField(width: number, label: string, value: unknown): void {
    this.line(`    ${label.padEnd(width)}: ${printable(pythonText(value))}`);
  }

  row(...values: readonly unknown[]): void {
    this.line(values.map(pythonText).join(","));
  }

  /** Pretty and simple; the caller prints the JSON. */
  table(columns: Columns, rows: readonly object[], options: TableOptions = {}): void {
    const titles = Object.keys(columns);
    const cells = rows.map((row) => Object.values(columns).map((column) => cellOf(row, column)));
    if (this.format === "simple") for (const line of [titles, ...cells]) this.row(...line);
    else
      this.line(
        drawTable(
          titles,
          cells.map((row) => row.map(printable)),
          options,
        ),
      );
  }

  /** A table, or in JSON the same fields of each row under `key`. */
  list(key: string, columns: Columns, rows: readonly object[]): void {
    if (this.format !== "json") {
      this.table(columns, rows);
      return;
    }
    const fields = Object.values(columns).map((column) => (typeof column === "string" ? column : column[0]));
    this.json({ [key]: rows.map((row) => pick(row, fields)) });
  }
}

/** These fields only; one that is not there is null. */
export function pick(row: object, fields: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(fields.map((field) => [field, fieldOf(row, field) ?? null]));
}

function fieldOf(row: object, field: string): unknown {
  return Object.hasOwn(row, field) ? (row as Record<string, unknown>)[field] : undefined;
}

function cellOf(row: object, column: Columns[string]): string {
  if (column === undefined) return "";
  const [field, show] = typeof column === "string" ? [column, pythonText] : column;
  return show(fieldOf(row, field));
}

/** A guest's or another user's text must not steer the terminal. */
export function printable(text: string): string {
  const escaped = (unit: string) => `\\x${unit.charCodeAt(0).toString(16).padStart(2, "0")}`;
  return text.replace(/[^\P{Cc}\n\t]/gu, escaped);
}
