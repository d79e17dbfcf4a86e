// What went wrong in a transfer, in words people know, and whether another try could end otherwise.
import { CloudError, messageOf } from "../../errors.ts";

// glibc's words: people and tests know them.
const words: Readonly<Record<string, string>> = {
  ENOTFOUND: "Name or service not known",
  EAI_AGAIN: "Temporary failure in name resolution",
  ECONNREFUSED: "Connection refused",
  ECONNRESET: "the connection was cut before the end",
  ETIMEDOUT: "Connection timed out",
  EHOSTUNREACH: "No route to host",
  ENETUNREACH: "Network is unreachable",
  HPE_HEADER_OVERFLOW: "its headers are too large",
  ERR_INVALID_CHAR: "it redirects to what is no URL",
  ERR_UNESCAPED_CHARACTERS: "it redirects to what is no URL",
};

/** OpenSSL's and Node's names of what may be wrong with a certificate. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_|^CRL_|^ERR_TLS_CERT/;
/** Answers that are not HTTP, or not TLS. */
const GARBAGE = /^HPE_|^EPROTO$|^ERR_SSL|^ERR_INVALID_CHAR$|^ERR_UNESCAPED/;

export const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "";

export const isDiskFull = (error: unknown): boolean => /^(ENOSPC|EDQUOT)$/.test(codeOf(error));

/** An error of the network as a CloudError "unreachable" about the subject. */
export function unreachable(subject: string, error: unknown, detail: Record<string, unknown>): CloudError {
  const code = codeOf(error);
  const lasting = code === "ENOTFOUND" || CERTIFICATE.test(code) || GARBAGE.test(code);
  return new CloudError("unreachable", `${subject}: ${reason(code, error)}`, {
    cause: error,
    detail: { ...detail, ...(lasting ? { lasting: true } : {}) },
  });
}

function reason(code: string, error: unknown): string {
  if (CERTIFICATE.test(code)) return `its certificate is not trusted: ${messageOf(error)}`;
  if (code === "EPROTO" || code.startsWith("ERR_SSL")) return `no TLS is spoken there (${code})`;
  return words[code] ?? (messageOf(error) || code);
}
