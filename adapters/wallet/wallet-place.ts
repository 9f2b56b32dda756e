/**
 * Where hotkeys are: in the folder of wallets that the Bittensor tools keep, in a file of their own, or nowhere.
 */
import { homedir } from "node:os";
import { basename, join } from "node:path";

/** How settings name a hotkey. */
export interface WalletSettings {
  /** "name/hotkey" of a wallet, the path of a hotkey file, or "//Name" for a development key. */
  readonly wallet: string;
  /** Folder of the wallets; "~" at its begin is the home folder. */
  readonly walletsPath: string;
}

/** Where a hotkey is. */
export type WalletPlace =
  | { readonly kind: "development"; readonly uri: string }
  | { readonly kind: "file"; readonly path: string }
  | {
      readonly kind: "wallet";
      /** "name/hotkey". */
      readonly name: string;
      /** The hotkey's file. */
      readonly path: string;
    };

const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

/** Parts of "name/hotkey"; undefined for what is none. */
export function walletNameOf(text: string): { readonly name: string; readonly hotkey: string } | undefined {
  const [name = "", hotkey = "", ...more] = text.split("/");
  return more.length === 0 && NAME.test(name) && NAME.test(hotkey) ? { name, hotkey } : undefined;
}

/**
 * Where the hotkey is that the settings name. Throws an Error for a coldkey, which is needed by nothing here.
 */
export function walletPlaceOf({ wallet, walletsPath }: WalletSettings): WalletPlace {
  if (wallet.startsWith("//")) return { kind: "development", uri: wallet };
  const named = walletNameOf(wallet);
  if (named !== undefined) {
    const path = join(hotkeyFolderOf(walletsPath, named.name), named.hotkey);
    return { kind: "wallet", name: wallet, path };
  }
  const path = withHome(wallet);
  if (basename(path) === "coldkey") {
    throw new Error(`${path} is a coldkey: name a hotkey, and keep coldkeys on another machine`);
  }
  return { kind: "file", path };
}

/** Folder of a wallet's hotkeys. */
export function hotkeyFolderOf(walletsPath: string, name: string): string {
  return join(withHome(walletsPath), name, "hotkeys");
}

/** A path with "~" at its begin written out, as no shell does in an environment variable. */
function withHome(path: string): string {
  return path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
}
