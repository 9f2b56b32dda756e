/**
 * Resume tokens: opaque to clients, and the same on every replica and relay of a deployment.
 *
 * Version 1: one byte 1; the first 8 bytes of SHA-256 of the deployment; the revision as 8 bytes, big-endian; the first
 * 4 bytes of SHA-256 of all before. The sum finds damage. A forged token is no threat: it reaches no more than any
 * caller may read anyway.
 */
import { sha256Of } from "../core/hash.js";

const VERSION = 1;
const DEPLOYMENT_BYTES = 8;
const REVISION_OFFSET = 1 + DEPLOYMENT_BYTES;
const CHECKSUM_OFFSET = REVISION_OFFSET + 8;
const LENGTH = CHECKSUM_OFFSET + 4;

/** What a token turned out to be. */
export type DecodedToken =
  | { readonly status: "ok"; readonly revision: number }
  /** Not one of ours, damaged, or of a version that is not known here. */
  | { readonly status: "malformed" }
  /** Of another deployment. */
  | { readonly status: "foreign" };

/** Makes a token. deployment: "<network>/<netuid>". revision: 0 and up. */
export function encodeResumeToken(deployment: string, revision: number): Uint8Array {
  const token = new Uint8Array(LENGTH);
  token[0] = VERSION;
  token.set(deploymentHash(deployment), 1);
  new DataView(token.buffer).setBigUint64(REVISION_OFFSET, BigInt(revision));
  token.set(checksum(token), CHECKSUM_OFFSET);
  return token;
}

/** Reads a token that anybody may have sent. Never throws. */
export function decodeResumeToken(deployment: string, token: Uint8Array): DecodedToken {
  if (token.length !== LENGTH || token[0] !== VERSION) return { status: "malformed" };
  if (!equal(token.subarray(CHECKSUM_OFFSET), checksum(token))) return { status: "malformed" };
  if (!equal(token.subarray(1, REVISION_OFFSET), deploymentHash(deployment))) return { status: "foreign" };
  const revision = new DataView(token.buffer, token.byteOffset).getBigUint64(REVISION_OFFSET);
  if (revision > BigInt(Number.MAX_SAFE_INTEGER)) return { status: "malformed" };
  return { status: "ok", revision: Number(revision) };
}

function deploymentHash(deployment: string): Uint8Array {
  return sha256Of(deployment).subarray(0, DEPLOYMENT_BYTES);
}

function checksum(token: Uint8Array): Uint8Array {
  return sha256Of(token.subarray(0, CHECKSUM_OFFSET)).subarray(0, LENGTH - CHECKSUM_OFFSET);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
