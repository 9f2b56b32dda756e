/**
 * Hotkeys: sr25519 keys that sign requests and records.
 */
import { readFile, readdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { checkAddress, cryptoWaitReady, decodeAddress } from "@polkadot/util-crypto";
import { sr25519Verify } from "@polkadot/wasm-crypto";
import type { VerifySignature, Wallet } from "../../core/ports.js";
import { type HotkeyFile, readHotkeyFile } from "./hotkey-file.js";
import { SS58_PREFIX, signerFromUri } from "./keys.js";
import { type WalletPlace, type WalletSettings, walletPlaceOf } from "./wallet-place.js";

export { signerFromUri } from "./keys.js";

/** Loads the signature code. Must have resolved before anything signs or verifies. */
export async function readyCrypto(): Promise<void> {
  await cryptoWaitReady();
}

/** A hotkey with where it came from. */
export interface LoadedWallet extends Pick<HotkeyFile, "wallet" | "statesAddress"> {
  readonly place: WalletPlace;
  readonly form: HotkeyFile["form"] | "development key";
  /** What is wrong with the file without making it useless, one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * The hotkey that the settings name, with what there is to know of it. Throws an Error that says what is wrong and what
 * to do, never what is in a file.
 */
export async function loadWallet(settings: WalletSettings): Promise<LoadedWallet> {
  const place = walletPlaceOf(settings);
  await readyCrypto();
  if (place.kind === "development") {
    return { place, wallet: signerFromUri(place.uri), form: "development key", statesAddress: false, warnings: [] };
  }
  let content: string;
  try {
    content = await readFile(place.path, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw new Error(`the wallet file ${place.path} cannot be read: ${code}${await othersThere(place)}`, { cause });
  }
  return { place, ...readHotkeyFile(content, place.path), warnings: await exposure(place.path) };
}

/** The hotkey that the settings name. Throws as loadWallet does; what it warns of is passed to `warn`. */
export async function loadSigner(
  settings: WalletSettings,
  warn: (sentence: string) => void = () => {},
): Promise<Wallet> {
  const { wallet, warnings } = await loadWallet(settings);
  for (const warning of warnings) warn(warning);
  return wallet;
}

async function exposure(path: string): Promise<readonly string[]> {
  const mode = (await stat(path)).mode & 0o777;
  if ((mode & 0o077) === 0) return [];
  const told = mode.toString(8).padStart(3, "0");
  return [`the wallet file ${path} is open to other users of this machine (mode ${told}): chmod 600 ${path}`];
}

async function othersThere(place: WalletPlace): Promise<string> {
  if (place.kind !== "wallet") return "";
  const [name] = place.name.split("/");
  const files = await readdir(dirname(place.path)).catch(() => undefined);
  if (files === undefined) {
    return `; there is no wallet ${name} with hotkeys: make one with \`zipnet wallet new\`, or write ./${place.name} for a path`;
  }
  const hotkeys = files.filter((file) => !/(pub\.txt|\.lock|\.tmp)$/.test(file)).toSorted();
  return hotkeys.length === 0 ? "" : `; the wallet ${name} has the hotkeys ${hotkeys.join(", ")}`;
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
