import { Command } from "commander";
import { openChain } from "../../../adapters/chain/open.js";
import { systemClock } from "../../../adapters/clock/system-clock.js";
import { readSettings } from "../../../adapters/settings/settings.js";
import { readyCrypto, verifySr25519 } from "../../../adapters/wallet/wallet.js";
import { startMsOfEpochId } from "../../../core/epoch-time.js";
import { SOURCE_SETTINGS, needed, openNamedSource } from "../../epochs/open-source.js";
import { verdictText } from "../../epochs/show.js";
import { type EpochVerdict, verifyEpoch, verifyEpochs } from "../../epochs/verify.js";
import { commandLog } from "../../command-log.js";
import { addSettingFlags, mergedSettings } from "../../flags.js";

interface Flags extends Record<string, string | boolean> {}

/** A verdict as JSON, without the epoch itself, which is long and can be had elsewhere. */
function verdictJson({ epoch: _epoch, ...verdict }: EpochVerdict): string {
  return JSON.stringify({ verified: verdict.differences.length === 0, ...verdict });
}

function idOf(text: string, flag: string): string {
  if (startMsOfEpochId(text) !== undefined) return text;
  throw new Error(`${flag} is ${JSON.stringify(text)}, but must be an epoch id such as "20261122T120000Z"`);
}

/** `zipnet epoch verify`: computes an epoch again, trusting nobody. */
export function verifyCommand(signal: AbortSignal): Command {
  const command = new Command("verify")
    .description(
      "computes an epoch again from the chain's block, the catalogue and the rules, and says VERIFIED or what differs; " +
        "exit code 1 unless all is VERIFIED",
    )
    .argument("[id]", "default: the newest")
    .option("--since <id>", "verifies every epoch from this one on, so that the cooldown is proven, too")
    .option("--deep", "verifies every epoch that the source has up to this one")
    .option("--json", "prints one line of JSON per epoch");
  return addSettingFlags(command, SOURCE_SETTINGS).action(async (id: string | undefined, flags: Flags) => {
    const { json, deep, since, ...rest } = flags;
    const settings = readSettings(SOURCE_SETTINGS, mergedSettings(rest as Record<string, string>));
    const serverHotkey = needed(settings, "serverHotkey", "to check signatures");
    await readyCrypto();
    const source = await openNamedSource(settings, signal);
    const chain = await openChain(settings, { clock: systemClock, log: commandLog }, signal);
    const { network, netuid } = settings;
    const verification = { source, chain, verify: verifySr25519, serverHotkey, network, netuid };
    const from = deep === true ? "" : typeof since === "string" ? idOf(since, "--since") : undefined;
    let count = 0;
    let bad = 0;
    const tell = (verdict: EpochVerdict): void => {
      count += 1;
      if (verdict.differences.length > 0) bad += 1;
      process.stdout.write(`${json === true ? verdictJson(verdict) : verdictText(verdict)}\n`);
    };
    try {
      const newest = await verifyEpoch(verification, id === undefined ? "" : idOf(id, "the id"), signal);
      if (from !== undefined) {
        for await (const verdict of verifyEpochs(verification, from, newest.epochId, signal)) tell(verdict);
      } else tell(newest);
    } finally {
      chain.close();
      source.close();
    }
    if (count > 1 && json !== true) process.stdout.write(`${count - bad} of ${count} epochs VERIFIED\n`);
    if (bad > 0) process.exitCode = 1;
  });
}
