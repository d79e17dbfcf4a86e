// Values as Python prints them: scripts compare with None, True and False, and with its way of writing JSON.

/** What print() would show: text as it is, everything else as Python would write it in source. */
export function pythonText(value: unknown): string {
  return typeof value === "string" ? value : pythonLiteral(value);
}

function pythonLiteral(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value === "string") return pythonQuoted(value);
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(", ")}]`;
  if (typeof value !== "object") return String(value);
  const pairs = Object.entries(value).map(([key, item]) => `${pythonQuoted(key)}: ${pythonLiteral(item)}`);
  return `{${pairs.join(", ")}}`;
}

function pythonQuoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(/\\/g, "\\\\").replaceAll(quote, `\\${quote}`);
  return quote + escaped.replace(/\n/g, "\\n").replace(/\r/g, "\\r").replace(/\t/g, "\\t") + quote;
}

/** Seconds since 1970 as local "YYYY-MM-DD HH:MM:SS.ffffff". */
export function localTime(seconds: unknown): string {
  if (typeof seconds !== "number" || !Number.isFinite(seconds)) return pythonText(seconds);
  const micros = Math.round(seconds * 1e6);
  const whole = Math.floor(micros / 1e6);
  const at = new Date(whole * 1000);
  if (Number.isNaN(at.getTime())) return String(seconds);
  const two = (number: number) => String(number).padStart(2, "0");
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return `${date} ${time}.${String(micros - whole * 1e6).padStart(6, "0")}`;
}

/** JSON with sorted keys, four spaces, ASCII only. */
export function indentedJson(value: unknown): string {
  return ascii(JSON.stringify(sorted(value), null, 4));
}

/** JSON on one line in the order received, ASCII only, with a space after each "," and ":". */
export function compactJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(compactJson).join(", ")}]`;
  if (typeof value !== "object" || value === null) return ascii(JSON.stringify(value ?? null));
  const pairs = Object.entries(value).map(([key, item]) => `${compactJson(key)}: ${compactJson(item)}`);
  return `{${pairs.join(", ")}}`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(pairs.map(([key, item]) => [key, sorted(item)]));
}

function ascii(json: string): string {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return json.replace(/[\u007f-\uffff]/g, escaped);
}
