/** skeleton */
import type { Signer } from "../core/ports.js";
export const AUTH_VERSION = "zipnet-auth/1";
export interface AuthScope {
  readonly receiver: string;
  readonly network: string;
  readonly netuid: number;
}
export function authHeaders(_input: {
  readonly procedure: string;
  readonly requestBytes: Uint8Array;
  readonly signer: Signer;
  readonly scope: AuthScope;
  readonly nonce: bigint;
}): Record<string, string> {
  throw new Error("skeleton");
}
