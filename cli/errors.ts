// The two ways the client itself says no. What the API says is an ApiError.

/** Called wrongly: usage on stderr, exit 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** Understood, and not done: a plain sentence on stdout, as scripts expect it, exit 1. Empty: all has been said. */
export class Refusal extends Error {
  override name = "Refusal";
}

export function requireConfirmation(confirmed: boolean): void {
  if (!confirmed) throw new Refusal("You must be sure. Use option --confirm.");
}
