import { Command, InvalidArgumentError, Option } from "commander";
import { optionalWalletSettings, WALLETS_PATH } from "../../adapters/settings/common-settings.js";
import { readSettings } from "../../adapters/settings/settings.js";
import { makeHotkey } from "../../adapters/wallet/new-hotkey.js";
import { walletNameOf } from "../../adapters/wallet/wallet-place.js";
import { type LoadedWallet, loadWallet } from "../../adapters/wallet/wallet.js";
import { addSettingFlags, mergedSettings } from "../flags.js";

const SHOW_SETTINGS = optionalWalletSettings("Hotkey to show");
const NEW_SETTINGS = { walletsPath: WALLETS_PATH };

/** What there is to know of a hotkey without its secret, a line each. */
function walletText({ place, wallet, form, statesAddress, warnings }: LoadedWallet): string {
  const where = place.kind === "development" ? `${place.uri}, which everybody knows` : place.path;
  const check = statesAddress ? "; the secret makes the address that the file states" : "; the file states no address";
  const lines = [
    `hotkey  ${wallet.hotkey}`,
    ...(place.kind === "wallet" ? [`wallet  ${place.name}`] : []),
    `from    ${where}`,
    `secret  ${form}${place.kind === "development" ? "" : check}`,
    ...warnings.map((warning) => `WARNING ${warning}`),
  ];
  return `${lines.join("\n")}\n`;
}

function showCommand(): Command {
  const command = new Command("show")
    .description(
      "prints the address of a hotkey, where it is and in which form, and whether its file is as it should be",
    )
    .argument("[wallet]", "as --wallet");
  return addSettingFlags(command, SHOW_SETTINGS).action(
    async (argument: string | undefined, flags: Record<string, string>) => {
      const { wallet, walletsPath } = readSettings(SHOW_SETTINGS, mergedSettings(flags));
      const shown = argument ?? wallet;
      if (shown === undefined) throw new Error("say which hotkey: zipnet wallet show <name/hotkey or file>");
      process.stdout.write(walletText(await loadWallet({ wallet: shown, walletsPath })));
    },
  );
}

function nameOf(text: string): { name: string; hotkey: string } {
  const named = walletNameOf(text);
  if (named === undefined || /(pub\.txt|\.lock|\.tmp)$/.test(named.hotkey)) {
    throw new InvalidArgumentError('It must be "name/hotkey", each of letters, digits, "-", "_" and ".".');
  }
  return named;
}

function newCommand(): Command {
  const command = new Command("new")
    .description("makes a hotkey in files that the Bittensor tools read, too; never overwrites any, makes no coldkey")
    .argument("<name/hotkey>", "the wallet and its new hotkey", nameOf)
    .option("--print-mnemonic", "print the mnemonic once; it stands in the file in any case")
    .addOption(new Option("--words <number>", "of the mnemonic").choices(["12", "24"]).default("12"));
  return addSettingFlags(command, NEW_SETTINGS).action(
    async (
      named: ReturnType<typeof nameOf>,
      { printMnemonic, words, ...flags }: Record<string, string> & { printMnemonic?: string; words?: string },
    ) => {
      const { walletsPath } = readSettings(NEW_SETTINGS, mergedSettings(flags));
      const made = await makeHotkey(walletsPath, named, words === "24" ? 24 : 12);
      process.stdout.write(`hotkey    ${made.hotkey}\nfile      ${made.path}\n`);
      if (printMnemonic) process.stdout.write(`mnemonic  ${made.mnemonic}\n`);
    },
  );
}

/** `zipnet wallet`: hotkeys, shown and made. */
export function walletCommand(): Command {
  return new Command("wallet")
    .description("hotkeys, shown and made")
    .addCommand(showCommand())
    .addCommand(newCommand());
}
