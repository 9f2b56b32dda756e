import { Command } from "commander";
import type { RawSettings, SettingsShape } from "../../adapters/settings/settings.js";
import { SETTINGS as CHAIN_SETTINGS } from "../../adapters/chain/local/config.js";
import { SETTINGS as SITE_SETTINGS } from "../../adapters/source/site/config.js";
import { SETTINGS as MINER_SETTINGS } from "../../miner/config.js";
import { SETTINGS as SERVER_SETTINGS } from "../../server/config.js";
import { SETTINGS as VALIDATOR_SETTINGS } from "../../validator/config.js";
import { addSettingFlags, mergedSettings } from "../flags.js";
import { StopRequest } from "../shutdown.js";
import { addMinerCommands } from "./miner/miner.js";
import { judgeCommand } from "./validator/judge.js";

/** A long-running program. Its main is loaded only when it is started, because loading it takes time. */
interface Program {
  readonly name: string;
  readonly description: string;
  readonly settings: SettingsShape;
  readonly load: () => Promise<{ main: (raw: RawSettings, signal: AbortSignal) => Promise<void> }>;
}

const PROGRAMS: readonly Program[] = [
  {
    name: "server",
    description: "the subnet owner's server: draws epochs, streams them, grants uploads, keeps history",
    settings: SERVER_SETTINGS,
    load: () => import("../../server/main.js"),
  },
  {
    name: "miner",
    description: "a miner: follows the epochs, scrapes, uploads, finalizes",
    settings: MINER_SETTINGS,
    load: () => import("../../miner/main.js"),
  },
  {
    name: "validator",
    description: "a validator: judges closed epochs, sets weights, relays assignments",
    settings: VALIDATOR_SETTINGS,
    load: () => import("../../validator/main.js"),
  },
  {
    name: "chain",
    description: "a local chain, for development and demos",
    settings: CHAIN_SETTINGS,
    load: () => import("../../adapters/chain/local/main.js"),
  },
  {
    name: "site",
    description: "a local listing site, for development and demos",
    settings: SITE_SETTINGS,
    load: () => import("../../adapters/source/site/main.js"),
  },
];

function programCommand(program: Program, signal: AbortSignal): Command {
  const command = addSettingFlags(new Command(program.name).description(program.description), program.settings);
  return command.action(async (flags: Record<string, string>) => {
    const { main } = await program.load();
    try {
      await main(mergedSettings(flags), signal);
    } catch (error) {
      // Being told to stop is how a long-running program ends well.
      if (!(error instanceof StopRequest)) throw error;
    }
  });
}

/** One command per long-running program; its flags are its settings. */
export function programCommands(signal: AbortSignal): readonly Command[] {
  return PROGRAMS.map((program) => {
    const command = programCommand(program, signal);
    if (program.name === "validator") command.addCommand(judgeCommand(signal));
    return program.name === "miner" ? addMinerCommands(command, signal) : command;
  });
}
