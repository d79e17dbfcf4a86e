// Signed claims as JWTs (HS256) that end. Sole importer of fast-jwt.
import { createSigner, createVerifier } from "fast-jwt";

export interface Jwt<Claims extends object> {
  /** Good for `life_ms` from now on. */
  sign(claims: Claims, life_ms: number): string;
  /** Throws what the library throws for a token that is not good; see `hasExpired`. */
  read(token: string): Claims & Ends;
}

export interface Ends {
  /** Seconds since 1970. */
  readonly exp: number;
}

export interface JwtOptions {
  secret: string | Buffer;
  /** Claims without which a token is not good. */
  required: readonly string[];
  /** By how much the clocks of two machines may differ, ms. */
  tolerance_ms?: number;
}

export function openJwt<Claims extends object>(options: JwtOptions): Jwt<Claims> {
  const key = Buffer.from(options.secret);
  const signer = (life_ms: number) =>
    createSigner({ key, algorithm: "HS256", expiresIn: life_ms, notBefore: 0 });
  const signers = { life_ms: 0, sign: signer(1) };
  const verify = createVerifier({
    key,
    algorithms: ["HS256"],
    clockTolerance: options.tolerance_ms ?? 0,
    requiredClaims: ["exp", ...options.required],
  });
  return {
    sign(claims, life_ms) {
      // A signer takes longer to make than to use, and nearly all tokens live equally long.
      if (signers.life_ms !== life_ms) Object.assign(signers, { life_ms, sign: signer(life_ms) });
      return signers.sign({ ...claims });
    },
    read: (token) => verify(token) as Claims & Ends,
  };
}

export const hasExpired = (error: unknown): boolean =>
  (error as { code?: string }).code === "FAST_JWT_EXPIRED";
