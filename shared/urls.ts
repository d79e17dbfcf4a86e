// Addresses in text that others will read: without what may be secret in them.

const AFTER_SCHEME = /(:\/\/|%3A%2F%2F)([^\s"\\]*)/gi;
/** Of the sentence, not of the URL. */
const PUNCTUATION = /[':;,.)]{0,3}$/;

/** A text, with every URL in it freed of user, password, query and fragment; also of those that are percent-encoded. */
export function hideUrlSecrets(text: string): string {
  if (!text.includes("://") && !text.includes("%")) return text;
  return text.replace(AFTER_SCHEME, (_whole, mark: string, rest: string) => {
    const [end = ""] = PUNCTUATION.exec(rest) ?? [];
    return mark + bare(mark, rest.slice(0, rest.length - end.length)) + end;
  });
}

function bare(mark: string, rest: string): string {
  const isEncoded = mark !== "://";
  const [plain = ""] = rest.split(isEncoded ? /%3F|%23/i : /[?#]/, 1);
  const [authority = ""] = plain.split(isEncoded ? /%2F/i : "/", 1);
  const at = isEncoded ? "%40" : "@";
  const user = authority.lastIndexOf(at);
  return user === -1 ? plain : plain.slice(user + at.length);
}
