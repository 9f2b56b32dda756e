import type { Command } from "commander";
import { checkCommand } from "./check.js";
import { historyCommand } from "./history.js";
import { receiptsCommand, statusCommand } from "./status.js";

/** Adds what looks at a miner to the command that runs one. */
export function addMinerCommands(miner: Command, signal: AbortSignal): Command {
  for (const command of [checkCommand(signal), statusCommand(), receiptsCommand(), historyCommand(signal)]) {
    miner.addCommand(command);
  }
  return miner;
}
