// How a failure is told: the sentence scripts look for on stdout, advice on stderr, and the exit code.
import { ApiError, ConnectionError } from "#shared/api/errors.ts";
import { Refusal } from "./errors.ts";
import { pythonText } from "./python.ts";

export interface Report {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly exitCode: number;
}

const prefixes: Readonly<Record<number, string>> = {
  400: "Malformed Request",
  403: "Cannot delete resource",
  404: "Resource not found",
  409: "Resource in use",
  500: "Internal Server Error",
  503: "Service unavailable",
  507: "Insufficient Resources",
};

export function reportOf(error: unknown, _verbose: boolean): Report {
  if (error instanceof Refusal)
    return { ...(error.message === "" ? {} : { stdout: error.message }), exitCode: 1 };
  if (error instanceof ApiError) return reportOfAnswer(error);
  if (error instanceof ConnectionError) {
    return {
      stdout: `ERROR: Unable to connect to server: ${error.message}`,
      stderr: "Is the API running, and is its URL right? See --apiurl and SHAKENFIST_API_URL.",
      exitCode: 1,
    };
  }
  const words = error instanceof Error ? error.message : String(error);
  return {
    stdout: `ERROR: ${words}`,
    stderr: "This is a fault of the client; --verbose shows more.",
    exitCode: 1,
  };
}

function reportOfAnswer(error: ApiError): Report {
  if (error.status === 401) {
    const advice =
      "Give --namespace and --key, set SHAKENFIST_NAMESPACE and SHAKENFIST_KEY, or write ~/.shakenfist.";
    return { stdout: "ERROR: Not authorized", stderr: `${error.message}\n${advice}`, exitCode: 1 };
  }
  const prefix = prefixes[error.status] ?? `Unexpected answer ${error.status}`;
  const words = error.status === 500 ? error.raw : pythonText(error.detail);
  return { stdout: `ERROR: ${prefix}: ${words}`, exitCode: 1 };
}
