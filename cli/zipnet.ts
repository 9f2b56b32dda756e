#!/usr/bin/env node
/**
 * The zipnet command. Everything here parses arguments and prints; what is done is done elsewhere.
 */
import { Command, CommanderError } from "commander";
import { authCommand } from "./commands/auth.js";
import { catalogueCommand } from "./commands/catalogue/catalogue.js";
import { dataCommand } from "./commands/data/data.js";
import { demoCommand } from "./commands/demo.js";
import { doctorCommand } from "./commands/doctor/doctor.js";
import { epochCommand } from "./commands/epoch/epoch.js";
import { limitsCommand } from "./commands/limits.js";
import { programCommands } from "./commands/programs.js";
import { reportCommand } from "./commands/report/report.js";
import { retentionCommand } from "./commands/retention.js";
import { scoreCommand } from "./commands/score/score.js";
import { simulateCommand } from "./commands/simulate.js";
import { sourceCommand } from "./commands/source.js";
import { walletCommand } from "./commands/wallet.js";
import { weightsCommand } from "./commands/weights.js";
import { explainFailure } from "./failure.js";
import { shutdownSignal } from "./shutdown.js";
import { SOFTWARE_VERSION } from "../core/version.js";

/** Makes the commands below one end and explain themselves as it does; added commands do not by themselves. */
function passSettingsOn(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    passSettingsOn(child);
  }
}

/** Whoever reads our output may stop early, as head does. */
function endQuietlyOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}

async function main(): Promise<void> {
  const signal = shutdownSignal();
  const zipnet = new Command("zipnet")
    .description("Coordinates a Bittensor subnet that pays miners for collecting US property listings.")
    .version(SOFTWARE_VERSION)
    .exitOverride()
    // A flag behind the name of a subcommand is the subcommand's, also where its parent has one of that name.
    .enablePositionalOptions()
    .showHelpAfterError("(see --help)");
  for (const command of programCommands(signal)) zipnet.addCommand(command);
  for (const command of [
    demoCommand(signal),
    epochCommand(signal),
    catalogueCommand(signal),
    dataCommand(signal),
    retentionCommand(),
    authCommand(),
    doctorCommand(),
    limitsCommand(),
    reportCommand(signal),
    scoreCommand(signal),
    sourceCommand(signal),
    walletCommand(),
    weightsCommand(signal),
    simulateCommand(signal),
  ]) {
    zipnet.addCommand(command);
  }
  passSettingsOn(zipnet);
  process.stdout.on("error", endQuietlyOnClosedPipe);
  try {
    await zipnet.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode;
    } else {
      process.stderr.write(`${explainFailure(error)}\n`);
      process.exitCode = 1;
    }
  }
}

await main();
