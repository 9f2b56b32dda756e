import { writeFile } from "node:fs/promises";
import { toBinary } from "@bufbuild/protobuf";
import { Command } from "commander";
import { openChain } from "../../../adapters/chain/open.js";
import { systemClock } from "../../../adapters/clock/system-clock.js";
import { type SettingsOf, parse, readSettings, setting } from "../../../adapters/settings/settings.js";
import { readyCrypto, verifySr25519 } from "../../../adapters/wallet/wallet.js";
import { epochNumberOfId } from "../../../core/epoch-time.js";
import { EpochSchema } from "../../../gen/zipnet/v1/epoch_pb.js";
import { RULE_SETTINGS, ruleProblems, rulesOf } from "../../../server/config-rules.js";
import { type KnownHistory, deriveEpoch, historyOf } from "../../epochs/derive.js";
import { SOURCE_SETTINGS, needed, openSource, readCatalogue } from "../../epochs/open-source.js";
import { epochText } from "../../epochs/show.js";
import { commandLog } from "../../command-log.js";
import { addSettingFlags, mergedSettings } from "../../flags.js";

const SETTINGS = {
  ...SOURCE_SETTINGS,
  firstEpoch: setting(
    "Id of the deployment's first epoch, to derive every epoch from there on where no records are at hand.",
    parse.optionalText(),
  ),
  epochLengthSeconds: setting(
    "Length of an epoch, where no records are at hand. Default 14400.",
    parse.integer({ min: 1, max: 86_400 }, 14_400),
  ),
  ...RULE_SETTINGS,
};

/** The history by settings alone: nothing is known but where it began. */
function assumedHistory(settings: SettingsOf<typeof SETTINGS>): KnownHistory {
  const { firstEpoch, epochLengthSeconds } = settings;
  if (firstEpoch === undefined) {
    throw new Error("give --records, --objects or --server-url to go on from, or --first-epoch to begin with");
  }
  const first = epochNumberOfId(firstEpoch, epochLengthSeconds);
  if (first === undefined) throw new Error(`--first-epoch ${firstEpoch} is no epoch of ${epochLengthSeconds} seconds`);
  const [problem] = ruleProblems(settings, epochLengthSeconds);
  if (problem !== undefined) throw new Error(problem);
  return { epochLengthSeconds, rules: rulesOf(settings, epochLengthSeconds), epochs: [], first };
}

/** `zipnet epoch derive`: an epoch without the server. */
export function deriveCommand(signal: AbortSignal): Command {
  const command = new Command("derive")
    .description(
      "computes an epoch as the server will record it, from the chain and a catalogue; rules and earlier epochs come " +
        "from records at hand, or from the settings",
    )
    .argument("[id]", "default: the running one")
    .option("--out <file>", "writes the epoch, which nobody has signed, to a file");
  return addSettingFlags(command, SETTINGS).action(async (id: string | undefined, flags: Record<string, string>) => {
    const { out, ...rest } = flags;
    const settings = readSettings(SETTINGS, mergedSettings(rest));
    const catalogue = await readCatalogue(needed(settings, "catalogue", "to draw from"));
    await readyCrypto();
    const source = await openSource(settings, signal);
    const chain = await openChain(settings, { clock: systemClock, log: commandLog }, signal);
    try {
      const history =
        source === undefined
          ? assumedHistory(settings)
          : await historyOf(source, needed(settings, "serverHotkey", "to check signatures"), verifySr25519);
      const { network, netuid } = settings;
      const input = { chain, catalogue, network, netuid, epochId: id, nowMs: systemClock.now() };
      const epoch = await deriveEpoch(input, history, signal);
      if (out !== undefined) await writeFile(out, toBinary(EpochSchema, epoch));
      process.stdout.write(`${epochText(epoch)}\nderived from the chain and the catalogue; nobody has signed it\n`);
    } finally {
      chain.close();
      source?.close();
    }
  });
}
