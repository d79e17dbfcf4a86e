// What was made of a list, kept as long as the list is the same one: for answers that are asked for more often than they change.

export interface Memo {
  /** `make`'s answer for this list and key, which it is asked for once. */
  of<Made extends object>(list: object, key: string, make: () => Made): Made;
}

export function openMemo(): Memo {
  const known = new WeakMap<object, Map<string, object>>();
  return {
    of<Made extends object>(list: object, key: string, make: () => Made): Made {
      const made = known.get(list) ?? new Map<string, object>();
      known.set(list, made);
      const found = made.get(key) ?? make();
      made.set(key, found);
      return found as Made;
    },
  };
}
