import { Command } from "commander";
import { openChain } from "../../adapters/chain/open.js";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { DEPLOYMENT_SETTINGS } from "../../adapters/settings/chain-settings.js";
import { walletSettings } from "../../adapters/settings/common-settings.js";
import { type SettingsOf, parse, readSettings, setting } from "../../adapters/settings/settings.js";
import { loadSigner } from "../../adapters/wallet/wallet.js";
import type { Chain, Signer } from "../../core/ports.js";
import { commandLog } from "../command-log.js";
import { addSettingFlags, mergedSettings } from "../flags.js";
import { judgementInForce } from "../weights/judged.js";
import { setViewed, viewText, viewWeights } from "../weights/view.js";

const SHOW_SETTINGS = { ...walletSettings("The validator's hotkey"), ...DEPLOYMENT_SETTINGS };

const SETTINGS = {
  ...SHOW_SETTINGS,
  stateDir: setting("The validator's state folder, which holds its judgements.", parse.text()),
};

/** Runs with the chain and the hotkey that the settings name. */
async function withChain(
  settings: SettingsOf<typeof SHOW_SETTINGS>,
  signal: AbortSignal,
  work: (chain: Chain, signer: Signer) => Promise<void>,
): Promise<void> {
  const signer = await loadSigner(settings);
  const chain = await openChain(settings, { clock: systemClock, log: commandLog }, signal);
  try {
    await work(chain, signer);
  } finally {
    chain.close();
  }
}

function showCommand(signal: AbortSignal): Command {
  const command = new Command("show").description("prints the weights that the chain holds of a validator");
  return addSettingFlags(command, SHOW_SETTINGS).action(async (flags: Record<string, string>) => {
    await withChain(readSettings(SHOW_SETTINGS, mergedSettings(flags)), signal, async (chain, signer) => {
      process.stdout.write(`${viewText(await viewWeights(chain, signer, undefined, signal))}\n`);
    });
  });
}

/** Prints what the judgement in force asks for, and sets it where that is asked for. Exit code 1 for an obstacle. */
async function plan(settings: SettingsOf<typeof SETTINGS>, isSet: boolean, signal: AbortSignal): Promise<void> {
  const { network, netuid, stateDir } = settings;
  await withChain(settings, signal, async (chain, signer) => {
    const judge = { network, netuid, hotkey: signer.hotkey };
    const { epochId, weights } = await judgementInForce(stateDir, judge, systemClock.now());
    const view = await viewWeights(chain, signer, weights, signal);
    process.stdout.write(`by the judgement of epoch ${epochId}\n${viewText(view)}\n`);
    if (view.obstacles.length > 0) process.exitCode = 1;
    const block = isSet ? await setViewed(chain, signer, view, signal) : undefined;
    process.stdout.write(block === undefined ? "nothing is sent\n" : `set in block ${block}\n`);
  });
}

function planCommand(name: string, description: string, isSet: boolean, signal: AbortSignal): Command {
  const command = addSettingFlags(new Command(name).description(description), SETTINGS);
  return command.action((flags: Record<string, string>) =>
    plan(readSettings(SETTINGS, mergedSettings(flags)), isSet, signal),
  );
}

/** `zipnet weights`: a validator's weights, as judged and as the chain holds them. */
export function weightsCommand(signal: AbortSignal): Command {
  return new Command("weights")
    .description(
      "a validator's weights, as judged and as the chain holds them; a running validator sets them by itself",
    )
    .addCommand(showCommand(signal))
    .addCommand(planCommand("dry-run", "prints what would be set, and why not; sends nothing", false, signal))
    .addCommand(
      planCommand("set", "sets the weights of the judgement in force, once, where the chain takes them", true, signal),
    );
}
