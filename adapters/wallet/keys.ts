/**
 * Hotkeys from their secrets. A secret is 64 bytes, of which the first 32 are the key and the others only make signatures.
 * Bittensor's files hold the key as schnorrkel counts it; polkadot's code wants it eight times as large, as ed25519 does.
 */
import { createHmac } from "node:crypto";
import { Keyring } from "@polkadot/keyring";
import { encodeAddress, mnemonicToMiniSecret } from "@polkadot/util-crypto";
import { sr25519Agree, sr25519KeypairFromSeed, sr25519Sign } from "@polkadot/wasm-crypto";
import type { Wallet } from "../../core/ports.js";

/** Bittensor's address prefix. */
export const SS58_PREFIX = 42;

const PKCS8_HEADER_BYTES = 16;
const SECRET_BYTES = 64;
/** The key proper. What follows it in the secret only makes signatures, and is random in a key of a soft path ("/name"). */
const KEY_BYTES = 32;

/** The Ristretto group's base point, compressed. */
const BASE_POINT = Buffer.from("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76", "hex");

/** What a hotkey consists of. */
interface KeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 64 bytes, in polkadot's form. */
  readonly secret: Uint8Array;
}

/** A key pair that signs. */
export function walletOf({ publicKey, secret }: KeyPair): Wallet {
  return {
    hotkey: encodeAddress(publicKey, SS58_PREFIX),
    // The WebAssembly of the same makers, seven times as fast as the JavaScript behind pair.sign and sr25519Verify of
    // util-crypto: what ten thousand miners that reconnect at once cost a server.
    sign: (bytes) => sr25519Sign(publicKey, secret, bytes),
    secretFor: (purpose) => createHmac("sha256", secret.subarray(0, KEY_BYTES)).update(`zipnet/${purpose}`).digest(),
  };
}

/** A development key from a secret that everybody can know, for example "//Alice". Never for a real network. */
export function signerFromUri(uri: string): Wallet {
  const pair = new Keyring({ type: "sr25519", ss58Format: SS58_PREFIX }).addFromUri(uri);
  // A keyring hands the secret out in a PKCS #8 frame only.
  const secret = pair.encodePkcs8().subarray(PKCS8_HEADER_BYTES, PKCS8_HEADER_BYTES + SECRET_BYTES);
  return walletOf({ publicKey: pair.publicKey, secret });
}

/** The seed of a mnemonic, 32 bytes. Throws an Error, without the words, for what is no mnemonic. */
export function seedOfMnemonic(words: string): Uint8Array {
  try {
    return mnemonicToMiniSecret(words.trim().split(/\s+/).join(" "));
  } catch {
    throw new Error("is no mnemonic: a word is not of the list, one is missing, or the last does not fit the others");
  }
}

/** The key pair of a seed of 32 bytes. */
export function pairOfSeed(seed: Uint8Array): KeyPair {
  const bytes = sr25519KeypairFromSeed(seed);
  return { publicKey: bytes.subarray(SECRET_BYTES), secret: bytes.subarray(0, SECRET_BYTES) };
}

/** The key pair of a private key as Bittensor's files hold it, 64 bytes. Throws an Error for what can be none. */
export function pairOfPrivateKey(privateKey: Uint8Array): KeyPair {
  const secret = scaledKey(privateKey, (key) => key * 8n);
  // Agreeing on a secret with whoever has the key 1 gives one's own public key.
  return { publicKey: sr25519Agree(BASE_POINT, secret), secret };
}

/** The private key of a pair as Bittensor's files hold it, 64 bytes. */
export function privateKeyOf({ secret }: KeyPair): Uint8Array {
  return scaledKey(secret, (key) => key / 8n);
}

function scaledKey(secret: Uint8Array, scale: (key: bigint) => bigint): Uint8Array {
  const key = scale(BigInt(`0x${Buffer.from(secret.subarray(0, KEY_BYTES)).reverse().toString("hex")}`));
  const digits = key.toString(16).padStart(2 * KEY_BYTES, "0");
  if (digits.length > 2 * KEY_BYTES) throw new Error("is no sr25519 private key: its first 32 bytes are too large");
  return new Uint8Array([...Buffer.from(digits, "hex").reverse(), ...secret.subarray(KEY_BYTES)]);
}

/** The address of the ed25519 key that a seed makes, for telling people which kind of key they have. */
export function ed25519AddressOf(seed: Uint8Array): string {
  return new Keyring({ type: "ed25519", ss58Format: SS58_PREFIX }).addFromSeed(seed).address;
}
