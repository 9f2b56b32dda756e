import { Command } from "commander";
import { explainCommand } from "./explain.js";

/** `zipnet score`: what miners scored, and why. */
export function scoreCommand(signal: AbortSignal): Command {
  return new Command("score").description("what a miner scored, and why").addCommand(explainCommand(signal));
}
