/**
 * Hotkeys: sr25519 keys that sign requests and records.
 */
import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Keyring } from "@polkadot/keyring";
import { checkAddress, cryptoWaitReady, decodeAddress } from "@polkadot/util-crypto";
import { sr25519Sign, sr25519Verify } from "@polkadot/wasm-crypto";
import { z } from "zod";
import type { VerifySignature, Wallet } from "../../core/ports.js";

/** Bittensor's address prefix. */
const SS58_PREFIX = 42;

const PKCS8_HEADER_BYTES = 16;
const SECRET_BYTES = 64;
/** The key proper. What follows it in the secret only makes signatures, and is random in a key of a soft path ("/name"). */
const KEY_BYTES = 32;

/** Loads the signature code. Must have resolved before anything signs or verifies. */
export async function readyCrypto(): Promise<void> {
  await cryptoWaitReady();
}

/** A development key from a secret that everybody can know, for example "//Alice". Never for a real network. */
export function signerFromUri(uri: string): Wallet {
  const pair = new Keyring({ type: "sr25519", ss58Format: SS58_PREFIX }).addFromUri(uri);
  const secret = secretOf(pair);
  return {
    hotkey: pair.address,
    // The WebAssembly of the same makers, seven times as fast as the JavaScript behind pair.sign and sr25519Verify of
    // util-crypto: what ten thousand miners that reconnect at once cost a server.
    sign: (bytes) => sr25519Sign(pair.publicKey, secret, bytes),
    secretFor: (purpose) => createHmac("sha256", secret.subarray(0, KEY_BYTES)).update(`zipnet/${purpose}`).digest(),
  };
}

/** The 64 secret bytes of a pair; a keyring hands them out in a PKCS #8 frame only. */
function secretOf(pair: ReturnType<Keyring["addFromUri"]>): Uint8Array {
  return pair.encodePkcs8().subarray(PKCS8_HEADER_BYTES, PKCS8_HEADER_BYTES + SECRET_BYTES);
}

/** A plaintext hotkey file as the Bittensor tools write it. */
const hotkeyFile = z.object({
  secretPhrase: z.string().optional(),
  secretSeed: z
    .string()
    .regex(/^0x[0-9a-fA-F]{64}$/)
    .optional(),
  ss58Address: z.string(),
});

/** A key from a plaintext hotkey file's text. `path` is for messages only. */
export function signerFromHotkeyFile(text: string, path: string): Wallet {
  const refuse = (what: string): Error =>
    new Error(`the wallet file ${path} ${what}; it must be a plaintext Bittensor hotkey file`);
  let parsed: z.infer<typeof hotkeyFile>;
  try {
    parsed = hotkeyFile.parse(JSON.parse(text));
  } catch {
    // The cause could quote the file's secrets.
    throw refuse("is not JSON with ss58Address and secretPhrase or secretSeed");
  }
  const secret = parsed.secretPhrase ?? parsed.secretSeed;
  if (secret === undefined) throw refuse("has neither secretPhrase nor secretSeed");
  const signer = signerFromUri(secret);
  if (signer.hotkey !== parsed.ss58Address) {
    throw refuse(`says that it is ${parsed.ss58Address}, but its secret makes ${signer.hotkey}`);
  }
  return signer;
}

/**
 * The key that a wallet setting names: "//Name" for a development key, anything else for the path of a plaintext
 * Bittensor hotkey file. Throws an Error that says what is wrong with the file, never what is in it.
 */
export async function loadSigner(wallet: string): Promise<Wallet> {
  await readyCrypto();
  if (wallet.startsWith("//")) return signerFromUri(wallet);
  let text: string;
  try {
    text = await readFile(wallet, "utf8");
  } catch (cause) {
    throw new Error(`the wallet file ${wallet} cannot be read: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
  return signerFromHotkeyFile(text, wallet);
}

/** Whether an sr25519 signature is a hotkey's over the bytes. Only this scheme, only this address prefix. */
export const verifySr25519: VerifySignature = (bytes, signature, hotkey) => {
  // decodeAddress takes any prefix, and the same key under another prefix is another text for the same signer.
  if (signature.length !== 64 || !checkAddress(hotkey, SS58_PREFIX)[0]) return false;
  try {
    return sr25519Verify(signature, bytes, decodeAddress(hotkey));
  } catch {
    return false;
  }
};
