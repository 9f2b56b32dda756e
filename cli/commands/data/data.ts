import { Command } from "commander";
import { exportCommand } from "./export.js";
import { dataStatsCommand } from "./stats.js";

/** `zipnet data`: what the subnet has collected. */
export function dataCommand(signal: AbortSignal): Command {
  return new Command("data")
    .description("what the subnet has collected")
    .addCommand(exportCommand(signal))
    .addCommand(dataStatsCommand());
}
