import { Command } from "commander";
import { fetchCommand } from "./fetch.js";
import { importCommand } from "./import.js";

/** `zipnet catalogue`: the pool that zip codes are drawn from. */
export function catalogueCommand(signal: AbortSignal): Command {
  return new Command("catalogue")
    .description("the pool that zip codes are drawn from")
    .addCommand(importCommand())
    .addCommand(fetchCommand(signal));
}
