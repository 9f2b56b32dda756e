import { Command } from "commander";
import { readSettings } from "../../../adapters/settings/settings.js";
import { readyCrypto, verifySr25519 } from "../../../adapters/wallet/wallet.js";
import { grouped } from "../../../core/constraints/show.js";
import { startMsOfEpochId } from "../../../core/epoch-time.js";
import { CatalogueReason } from "../../../gen/zipnet/v1/calibration_pb.js";
import { SOURCE_SETTINGS, needed, openNamedSource } from "../../epochs/open-source.js";
import { differencesText } from "../../epochs/show.js";
import { type ChoiceVerdict, verifyChoice } from "../../epochs/verify-choice.js";
import { addSettingFlags, mergedSettings } from "../../flags.js";

const WHY: Readonly<Record<CatalogueReason, string>> = {
  [CatalogueReason.UNSPECIFIED]: "for no reason",
  [CatalogueReason.UNCHANGED]: "the one before",
  [CatalogueReason.OWNER]: "imported by the owner",
  [CatalogueReason.CALIBRATED]: "calibrated",
};

function verdictText({ choice, differences, reports }: ChoiceVerdict): string {
  const what = `catalogue of epoch ${choice.epochId}`;
  if (differences.length > 0) return differencesText(what, differences).join("\n");
  const { catalogueSha256, learnedEpochIds, previousSha256, reason } = choice;
  const learned = learnedEpochIds.length;
  return [
    `${what}: VERIFIED`,
    `  ${catalogueSha256}, ${WHY[reason]}`,
    learned === 0
      ? "  nothing was learned for it"
      : `  ${previousSha256}, what ${grouped(learned)} epochs held and ${grouped(reports)} reports say give the same bytes`,
  ].join("\n");
}

/** `zipnet catalogue verify`: computes a calibrated catalogue again, trusting nobody. */
export function verifyCatalogueCommand(signal: AbortSignal): Command {
  const command = new Command("verify")
    .description(
      "computes the catalogue of an epoch again from the one before, the settlements and the reports, and says " +
        "VERIFIED or what differs; exit code 1 when anything differs",
    )
    .argument("[epoch id]", "default: the newest epoch that a catalogue is chosen for")
    .option("--json", "prints one line of JSON");
  return addSettingFlags(command, SOURCE_SETTINGS).action(
    async (id: string | undefined, flags: Record<string, string | boolean>) => {
      const { json, ...rest } = flags;
      if (id !== undefined && startMsOfEpochId(id) === undefined) {
        throw new Error(`the epoch id is ${JSON.stringify(id)}, but must be one such as "20261122T120000Z"`);
      }
      const settings = readSettings(SOURCE_SETTINGS, mergedSettings(rest as Record<string, string>));
      const serverHotkey = needed(settings, "serverHotkey", "to check signatures");
      await readyCrypto();
      const source = await openNamedSource(settings, signal);
      try {
        const verdict = await verifyChoice({ source, verify: verifySr25519, serverHotkey }, id ?? "");
        const { choice, differences, reports } = verdict;
        const { epochId, catalogueSha256, learnedEpochIds } = choice;
        const facts = { reason: CatalogueReason[choice.reason], learned_epochs: learnedEpochIds.length, reports };
        const told = { epoch_id: epochId, catalogue: catalogueSha256, ...facts };
        const verified = differences.length === 0;
        process.stdout.write(
          `${json === true ? JSON.stringify({ verified, ...told, differences }) : verdictText(verdict)}\n`,
        );
        if (!verified) process.exitCode = 1;
      } finally {
        source.close();
      }
    },
  );
}
