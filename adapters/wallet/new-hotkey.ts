/**
 * New hotkeys, in files as the Bittensor tools write and read them.
 */
import { randomUUID } from "node:crypto";
import { access, link, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { encodeAddress, mnemonicGenerate } from "@polkadot/util-crypto";
import { SS58_PREFIX, pairOfSeed, privateKeyOf, seedOfMnemonic } from "./keys.js";
import { hotkeyFolderOf } from "./wallet-place.js";
import { readyCrypto } from "./wallet.js";

/** A hotkey that was made. */
export interface NewHotkey {
  readonly hotkey: string;
  /** The file with the secret. */
  readonly path: string;
  /** Words from which the hotkey can be made again. They stand in the file, too. */
  readonly mnemonic: string;
}

/**
 * Makes a hotkey and its two files, `<hotkey>` with the secret and `<hotkey>pub.txt` without. Throws an Error where one of
 * them is there already: nothing is ever overwritten.
 *
 * @param words of the mnemonic, 12 or 24.
 */
export async function makeHotkey(
  walletsPath: string,
  { name, hotkey }: { readonly name: string; readonly hotkey: string },
  words: 12 | 24,
): Promise<NewHotkey> {
  await readyCrypto();
  const folder = hotkeyFolderOf(walletsPath, name);
  const [path, publicPath] = [join(folder, hotkey), join(folder, `${hotkey}pub.txt`)];
  for (const taken of [path, publicPath]) {
    if (await isThere(taken)) throw overwriting(taken);
  }
  const mnemonic = mnemonicGenerate(words);
  const seed = seedOfMnemonic(mnemonic);
  const pair = pairOfSeed(seed);
  const publicFields = {
    accountId: hex(pair.publicKey),
    publicKey: hex(pair.publicKey),
    ss58Address: encodeAddress(pair.publicKey, SS58_PREFIX),
    cryptoType: 1,
  };
  const secretFields = { privateKey: hex(privateKeyOf(pair)), secretPhrase: mnemonic, secretSeed: hex(seed) };
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeNew(path, JSON.stringify({ ...publicFields, ...secretFields }));
  await writeNew(publicPath, JSON.stringify(publicFields));
  return { hotkey: publicFields.ss58Address, path, mnemonic };
}

const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString("hex")}`;

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

function overwriting(path: string): Error {
  return new Error(`${path} is there already, and a key that is overwritten is lost: choose another name`);
}

/** Writes a file for its owner alone, whole or not at all, and never over another. */
async function writeNew(path: string, content: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  const handle = await open(temporary, "wx", 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
    await link(temporary, path);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "EEXIST" ? overwriting(path) : error;
  } finally {
    await handle.close();
    await rm(temporary, { force: true });
  }
}
