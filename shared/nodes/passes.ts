// Passes: what one node shows another when it hands a caller's request on. A pass is good for one request to one node, for a
// minute, and names the caller as whom it is served. It is signed with a key that no token is signed with: nobody can log in
// for one, and a token is none.
import { createHash, hkdfSync } from "node:crypto";
import type { Caller } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { openJwt } from "../jwt.ts";

const LIFE_MS = 60_000;
/** By how much the clocks of two nodes may differ. */
const TOLERANCE_MS = 60_000;

/** What is handed on, as the pass binds it. */
export interface Handed {
  method: string;
  path: string;
  body: string;
}

export interface Pass {
  caller: Caller;
  /** The id under which the first node logs the request. */
  request_id: string;
  /** What the first node has seen of the store: the answer must not be older. */
  revision: number;
}

export interface Passes {
  issue(target: string, request: Handed, pass: Pass): string;
  /** Rejects with "unauthenticated" a pass that is not for this node and this request. */
  read(text: string, target: string, request: Handed): Pass;
}

interface Claims {
  node: string;
  request: string;
  namespace: string;
  request_id: string;
  revision: number;
}

export function openPasses(secret: string): Passes {
  const jwt = openJwt<Claims>({
    secret: Buffer.from(hkdfSync("sha256", secret, "", "passes between nodes", 32)),
    required: ["node", "request", "namespace", "request_id", "revision"],
    tolerance_ms: TOLERANCE_MS,
  });
  return {
    issue(node, request, { caller, request_id, revision }) {
      const { namespace } = caller;
      return jwt.sign({ node, request: digest(request), namespace, request_id, revision }, LIFE_MS);
    },
    read(text, target, request) {
      const { node, request: handed, namespace, request_id, revision } = readClaims(jwt.read, text);
      if (node !== target || handed !== digest(request))
        throw new CloudError("unauthenticated", "the pass is for another node or another request");
      return { caller: { namespace }, request_id, revision };
    },
  };
}

function readClaims(read: (text: string) => Claims, text: string): Claims {
  try {
    return read(text);
  } catch (error) {
    const advice = "all nodes need one SHAKENFIST_AUTH_SECRET_SEED, and clocks within a minute of each other";
    throw new CloudError("unauthenticated", `the pass of the other node is not good: ${advice}`, {
      cause: error,
    });
  }
}

const digest = ({ method, path, body }: Handed): string =>
  createHash("sha256").update(`${method} ${path}\n${body}`).digest("base64url");
