/**
 * Resume tokens: opaque to clients, the same on every replica, and good after every restart.
 *
 * Version 2, 37 bytes: one byte 2; the first 8 bytes of the SHA-256 of "<network>/<netuid>/<hotkey that signs the
 * records>"; the revision as 8 bytes, big-endian; 4 bytes that name the key; the first 16 bytes of HMAC-SHA256 of all
 * before under that key. What a token reaches, any caller may read anyway, so the MAC keeps no secret: it keeps a relay
 * from moving a miner's place on the server past an epoch that the relay withheld.
 *
 * All streams carry the same messages, so that one encoded message serves them all; a token is not tied to a caller.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { sha256Of } from "../../core/hash.js";

/** Purpose of a wallet's secret that makes tokens where no other key is set. */
export const TOKEN_KEY_PURPOSE = "resume-token";

const VERSION = 2;
const DEPLOYMENT_BYTES = 8;
const REVISION_OFFSET = 1 + DEPLOYMENT_BYTES;
const KEY_ID_OFFSET = REVISION_OFFSET + 8;
const KEY_ID_BYTES = 4;
const MAC_OFFSET = KEY_ID_OFFSET + KEY_ID_BYTES;
const MAC_BYTES = 16;
const LENGTH = MAC_OFFSET + MAC_BYTES;

/** What a token turned out to be. */
type DecodedToken =
  | { readonly status: "ok"; readonly revision: number }
  /** Damaged, forged, or of a version that is not known here. */
  | { readonly status: "malformed" }
  /** Of another deployment. */
  | { readonly status: "foreign" }
  /** Of this deployment, but made with a key that is not held here: by a relay, or with a key that was retired. */
  | { readonly status: "other_issuer" };

/** Makes and reads the tokens of one issuer. */
export interface ResumeTokens {
  /** A token that stands right after a revision. revision: 0 and up. */
  encode(revision: number): Uint8Array;
  /** Reads a token that anybody may have sent. Never throws. */
  decode(token: Uint8Array): DecodedToken;
}

/** Whose tokens, and with which keys. */
export interface ResumeTokenOptions {
  readonly network: string;
  readonly netuid: number;
  /** Hotkey that signs the deployment's records. With another one, positions mean something else. */
  readonly recordSigner: string;
  /** 32 bytes each. The first makes tokens; all of them are accepted, so that a key can be replaced while tokens are out. */
  readonly keys: readonly [Uint8Array, ...Uint8Array[]];
  /**
   * Whether the position of a token of another issuer is taken at its word: true on a relay, which has not the server's
   * keys. At worst whoever forged one misses events that he asked not to get.
   */
  readonly trustsOtherIssuers: boolean;
}

/** Tokens of one issuer. */
export function resumeTokens(options: ResumeTokenOptions): ResumeTokens {
  const { network, netuid, recordSigner } = options;
  const deployment = sha256Of(`${network}/${netuid}/${recordSigner}`).subarray(0, DEPLOYMENT_BYTES);
  const keys = options.keys.map((secret) => ({ secret, id: sha256Of("zipnet-token-key", secret).subarray(0, 4) }));
  const [current] = keys;
  if (current === undefined) throw new TypeError("resume tokens need a key");

  function keyOf(token: Uint8Array): Uint8Array | undefined {
    const id = token.subarray(KEY_ID_OFFSET, MAC_OFFSET);
    return keys.find((key) => timingSafeEqual(key.id, id))?.secret;
  }

  return {
    encode(revision) {
      const token = new Uint8Array(LENGTH);
      token[0] = VERSION;
      token.set(deployment, 1);
      new DataView(token.buffer).setBigUint64(REVISION_OFFSET, BigInt(revision));
      token.set(current.id, KEY_ID_OFFSET);
      token.set(macOf(token, current.secret), MAC_OFFSET);
      return token;
    },
    decode(token) {
      if (token.length !== LENGTH || token[0] !== VERSION) return { status: "malformed" };
      const key = keyOf(token);
      if (key !== undefined && !timingSafeEqual(token.subarray(MAC_OFFSET), macOf(token, key))) {
        return { status: "malformed" };
      }
      if (!timingSafeEqual(token.subarray(1, REVISION_OFFSET), deployment)) return { status: "foreign" };
      if (key === undefined && !options.trustsOtherIssuers) return { status: "other_issuer" };
      const revision = new DataView(token.buffer, token.byteOffset).getBigUint64(REVISION_OFFSET);
      if (revision > BigInt(Number.MAX_SAFE_INTEGER)) return { status: "malformed" };
      return { status: "ok", revision: Number(revision) };
    },
  };
}

function macOf(token: Uint8Array, key: Uint8Array): Uint8Array {
  return createHmac("sha256", key).update(token.subarray(0, MAC_OFFSET)).digest().subarray(0, MAC_BYTES);
}
