import { Command } from "commander";
import { diffCommand } from "./diff.js";

/** `zipnet report`: what validators reported. */
export function reportCommand(signal: AbortSignal): Command {
  return new Command("report").description("what validators reported").addCommand(diffCommand(signal));
}
