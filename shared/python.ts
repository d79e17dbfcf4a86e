// How Python prints what this API's messages have always held.

/** `['a', 'b']`; a quote within is none that a node's or a network's name can have. */
export const pythonList = (names: readonly string[]): string =>
  `[${names.map((name) => `'${name}'`).join(", ")}]`;
