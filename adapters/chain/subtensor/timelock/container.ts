/**
 * Timelock encryption: what is sealed for a round of drand opens with that round's signature and with nothing else.
 * Byte for byte the container of the `tle` crate that the chain decrypts with: identity-based encryption of an AES key on
 * BLS12-381, and AES-256-GCM under that key. Numbers of the pairing's target field stand in little-endian order, as
 * arkworks writes them.
 */
import { createCipheriv, createDecipheriv, createHash } from "node:crypto";
import { bls12_381 as bls } from "@noble/curves/bls12-381.js";
import { QUICKNET_PUBLIC_KEY } from "./quicknet.js";

/** Gives so many random bytes. */
export type RandomBytes = (length: number) => Uint8Array;

const HASH_TO_G1 = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";
const SUITE = new TextEncoder().encode("AES_GCM_");
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const G2_BYTES = 96;
const FIELD_BYTES = 48;

type Fp12 = ReturnType<typeof bls.pairing>;

/** Seals a message for a round of drand's quicknet. */
export function sealForRound(message: Uint8Array, round: number, random: RandomBytes): Uint8Array {
  const [key, sigma, nonce] = [random(KEY_BYTES), random(KEY_BYTES), random(NONCE_BYTES)];
  const r = scalarOf(sigma, key);
  const shared = bls.pairing(identityOf(round), bls.G2.Point.fromHex(QUICKNET_PUBLIC_KEY).multiply(r));
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  const body = Buffer.concat([cipher.update(message), cipher.final(), cipher.getAuthTag()]);
  return new Uint8Array(
    Buffer.concat([
      bls.G2.Point.BASE.multiply(r).toBytes(true),
      vector(xor(sigma, sha256(fieldBytes(shared)))),
      vector(xor(key, sha256(sigma))),
      vector(Buffer.concat([vector(body), vector(nonce)])),
      vector(SUITE),
    ]),
  );
}

/**
 * Opens a container with the signature of its round (48 bytes, hexadecimal). Throws an Error where the bytes are no
 * container, or the signature is not that of its round.
 */
export function openWithSignature(container: Uint8Array, signatureHex: string): Uint8Array {
  const parts = new VectorReader(container, G2_BYTES);
  const u = bls.G2.Point.fromBytes(container.subarray(0, G2_BYTES));
  const [v, w, sealed, suite] = [parts.next(), parts.next(), parts.next(), parts.next()];
  parts.end();
  if (Buffer.compare(suite, SUITE) !== 0 || v.length !== KEY_BYTES || w.length !== KEY_BYTES) {
    throw new Error("these bytes are no timelock container of the suite AES_GCM_");
  }
  const sigma = xor(v, sha256(fieldBytes(bls.pairing(bls.G1.Point.fromHex(signatureHex), u))));
  const key = xor(w, sha256(sigma));
  if (!bls.G2.Point.BASE.multiply(scalarOf(sigma, key)).equals(u)) {
    throw new Error("the signature is not that of the round that this timelock is sealed for");
  }
  const inner = new VectorReader(sealed, 0);
  const [body, nonce] = [inner.next(), inner.next()];
  inner.end();
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAuthTag(body.subarray(-TAG_BYTES));
  return new Uint8Array(Buffer.concat([decipher.update(body.subarray(0, -TAG_BYTES)), decipher.final()]));
}

/** The round as a point of G1: what drand signs. */
function identityOf(round: number): InstanceType<typeof bls.G1.Point> {
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(BigInt(round));
  return bls.G1.Point.fromAffine(bls.G1.hashToCurve(sha256(number), { DST: HASH_TO_G1 }).toAffine());
}

/** The secret scalar, bound to the key, so that who opens a container sees whether it was sealed honestly. */
function scalarOf(sigma: Uint8Array, key: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(sha256(sigma, key)).toString("hex")}`) % bls.fields.Fr.ORDER;
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, index) => byte ^ (b[index] ?? 0));
}

function fieldBytes({ c0, c1 }: Fp12): Uint8Array {
  const numbers = [c0, c1].flatMap((half) => [half.c0, half.c1, half.c2]).flatMap((pair) => [pair.c0, pair.c1]);
  return new Uint8Array(Buffer.concat(numbers.map(littleEndian)));
}

function littleEndian(value: bigint): Uint8Array {
  return Buffer.from(value.toString(16).padStart(2 * FIELD_BYTES, "0"), "hex").reverse();
}

/** Bytes behind their length, 8 bytes little-endian. */
function vector(bytes: Uint8Array): Uint8Array {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  return Buffer.concat([length, bytes]);
}

class VectorReader {
  constructor(
    private readonly bytes: Uint8Array,
    private offset: number,
  ) {}

  next(): Uint8Array {
    const { bytes, offset } = this;
    const start = offset + 8;
    if (start > bytes.length) throw new Error("the timelock container ends too early");
    const length = Buffer.from(bytes.subarray(offset, start)).readBigUInt64LE();
    if (length > BigInt(bytes.length - start)) throw new Error("the timelock container ends too early");
    this.offset = start + Number(length);
    return bytes.subarray(start, this.offset);
  }

  end(): void {
    if (this.offset !== this.bytes.length) throw new Error("the timelock container has bytes behind its end");
  }
}
