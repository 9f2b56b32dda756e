import { Command } from "commander";
import { diffCommand } from "./diff.js";
import { fetchCommand } from "./fetch.js";
import { importCommand } from "./import.js";
import { showCommand } from "./show.js";
import { statsCommand } from "./stats.js";
import { verifyCatalogueCommand } from "./verify.js";

/** `zipnet catalogue`: the pool that zip codes are drawn from. */
export function catalogueCommand(signal: AbortSignal): Command {
  return new Command("catalogue")
    .description("the pool that zip codes are drawn from")
    .addCommand(importCommand())
    .addCommand(showCommand(signal))
    .addCommand(diffCommand(signal))
    .addCommand(statsCommand(signal))
    .addCommand(fetchCommand(signal))
    .addCommand(verifyCatalogueCommand(signal));
}
