/**
 * Plaintext hotkey files, in every form that the Bittensor tools have written.
 */
import { encodeAddress } from "@polkadot/util-crypto";
import { z } from "zod";
import type { Wallet } from "../../core/ports.js";
import { SS58_PREFIX, ed25519AddressOf, pairOfPrivateKey, pairOfSeed, seedOfMnemonic, walletOf } from "./keys.js";

/** What the secret of a file is. */
type SecretForm = "mnemonic" | "seed" | "private key";

/** A hotkey file that was read. */
export interface HotkeyFile {
  readonly wallet: Wallet;
  readonly form: SecretForm;
  /** Whether the file states its address, which then is the secret's. Files of bare text do not. */
  readonly statesAddress: boolean;
}

const AGAIN =
  "make the plaintext file again from its mnemonic (btcli wallet regen-hotkey), or a new hotkey with `zipnet wallet new`";

const ENCRYPTED: readonly (readonly [prefix: string, name: string])[] = [
  ["$NACL", "NaCl"],
  ["$ANSIBLE_VAULT", "Ansible Vault"],
  ["gAAAAA", "Fernet"],
];

const text = z.string().nullish();
/** The fields that count. Old tools wrote " ss58Address" with a blank in front. */
const fields = z.object({
  secretPhrase: text,
  secretSeed: text,
  privateKey: text,
  ss58Address: text,
  " ss58Address": text,
  publicKey: text,
  cryptoType: z.union([z.number(), z.string()]).nullish(),
  encoded: z.unknown().optional(),
  encoding: z.unknown().optional(),
});
type Fields = z.infer<typeof fields>;

/**
 * Reads a hotkey file. Throws an Error that says what is wrong with it and what to do, and nothing of its secrets.
 *
 * @param path for messages only.
 */
export function readHotkeyFile(content: string, path: string): HotkeyFile {
  const read = readOrReason(content.trim());
  if (typeof read === "string") throw new Error(`the wallet file ${path} ${read}`);
  return read;
}

/** Only the reason of what goes wrong: the error itself could quote the file's secrets. */
function readOrReason(content: string): HotkeyFile | string {
  try {
    return readContent(content);
  } catch (error) {
    return error instanceof Error ? error.message : "cannot be read";
  }
}

function readContent(content: string): HotkeyFile {
  const encryption = ENCRYPTED.find(([prefix]) => content.startsWith(prefix))?.[1];
  if (encryption !== undefined) {
    throw new Error(
      `is encrypted (${encryption}), and nobody is there to type its password: ${AGAIN}. Coldkeys stay away`,
    );
  }
  const bare = readBareText(content);
  if (bare !== undefined) return { ...bare, statesAddress: false };
  const parsed = fields.safeParse(parsedJson(content));
  if (!parsed.success) {
    throw new Error(
      "is no hotkey file: neither JSON with a secret, nor a mnemonic, nor a seed or private key in hexadecimal",
    );
  }
  return readFields(parsed.data);
}

function parsedJson(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}

interface Secret {
  readonly wallet: Wallet;
  readonly form: SecretForm;
}

/** Files of before there were JSON ones: a mnemonic, or hexadecimal digits. */
function readBareText(content: string): Secret | undefined {
  const digits = content.replace(/^0x/, "");
  if (/^[0-9a-fA-F]{64}$/.test(digits)) return ofSeed(bytesOf(digits, 32, "it"), "seed");
  if (/^[0-9a-fA-F]{128}$/.test(digits)) return ofPrivateKey(bytesOf(digits, 64, "it"));
  return /^[a-z]+(\s+[a-z]+){11,23}$/.test(content) ? ofSeed(seedOfMnemonic(content), "mnemonic") : undefined;
}

function readFields(given: Fields): HotkeyFile {
  if (given.encoded !== undefined && given.encoding !== undefined) {
    throw new Error(`is an export of polkadot.js, encrypted, and no hotkey file: ${AGAIN}`);
  }
  const type = given.cryptoType ?? 1;
  if (String(type).trim() !== "1") {
    const name = String(type).trim() === "0" ? ", ed25519" : "";
    throw new Error(
      `holds a key of another kind (cryptoType ${type}${name}), but a hotkey must be sr25519, 1: ${AGAIN}`,
    );
  }
  const secret = secretOf(given);
  const stated = given.ss58Address ?? given[" ss58Address"] ?? addressOf(given.publicKey);
  if (stated !== undefined && stated !== secret.wallet.hotkey) throw mismatch(given, stated, secret.wallet.hotkey);
  return { ...secret, statesAddress: stated !== undefined };
}

/** The order in which the Bittensor tools look. */
function secretOf({ secretPhrase, secretSeed, privateKey }: Fields): Secret {
  if (secretPhrase) return ofSeed(phraseSeed(secretPhrase), "mnemonic");
  if (secretSeed) return ofSeed(bytesOf(secretSeed, 32, "secretSeed"), "seed");
  if (privateKey) return ofPrivateKey(bytesOf(privateKey, 64, "privateKey"));
  throw new Error(
    "holds no secret, neither secretPhrase nor secretSeed nor privateKey: name the hotkey's own file, not the one " +
      "that ends in pub.txt",
  );
}

function phraseSeed(secretPhrase: string): Uint8Array {
  try {
    return seedOfMnemonic(secretPhrase);
  } catch (error) {
    throw new Error(`has a secretPhrase that ${(error as Error).message}`, { cause: error });
  }
}

function ofSeed(seed: Uint8Array, form: SecretForm): Secret {
  return { wallet: walletOf(pairOfSeed(seed)), form };
}

function ofPrivateKey(privateKey: Uint8Array): Secret {
  return { wallet: walletOf(pairOfPrivateKey(privateKey)), form: "private key" };
}

function bytesOf(hex: string, length: number, name: string): Uint8Array {
  const digits = hex.replace(/^0x/, "");
  if (!/^[0-9a-fA-F]*$/.test(digits) || digits.length !== 2 * length) {
    throw new Error(`has a ${name} that is not ${length} bytes in hexadecimal digits`);
  }
  return new Uint8Array(Buffer.from(digits, "hex"));
}

function addressOf(publicKey: string | null | undefined): string | undefined {
  return publicKey ? encodeAddress(bytesOf(publicKey, 32, "publicKey"), SS58_PREFIX) : undefined;
}

function mismatch(given: Fields, stated: string, made: string): Error {
  const seed = given.secretPhrase ? seedOfMnemonic(given.secretPhrase) : undefined;
  const ed25519 = seed ?? (given.secretSeed ? bytesOf(given.secretSeed, 32, "secretSeed") : undefined);
  if (ed25519 !== undefined && ed25519AddressOf(ed25519) === stated) {
    return new Error(`holds an ed25519 key (${stated}), but a hotkey must be sr25519: ${AGAIN}`);
  }
  return new Error(`says that it is ${stated}, but its secret makes ${made}: one of the two is wrong, ${AGAIN}`);
}
