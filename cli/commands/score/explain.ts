import { Command } from "commander";
import { readSettings } from "../../../adapters/settings/settings.js";
import { verifySr25519 } from "../../../adapters/wallet/wallet.js";
import { SOURCE_SETTINGS, needed, openClients, openNamedSource } from "../../epochs/open-source.js";
import { addSettingFlags, mergedSettings } from "../../flags.js";
import { explanationText } from "../../scores/explanation-text.js";
import { explainFromRecords, explainFromServer, openEpoch } from "../../scores/explanations.js";

/** `zipnet score explain`: every part of a miner's score, every lost point, and what the next better rank would have taken. */
export function explainCommand(signal: AbortSignal): Command {
  const command = new Command("explain")
    .description("explains a miner's score in an epoch by every report; a miner may ask a server for its own only")
    .argument("<hotkey>", "the miner")
    .argument("<epoch>", "id of the epoch");
  return addSettingFlags(command, SOURCE_SETTINGS).action(
    async (hotkey: string, epochId: string, flags: Record<string, string>) => {
      const settings = readSettings(SOURCE_SETTINGS, mergedSettings(flags));
      const serverHotkey = needed(settings, "serverHotkey", "to check records");
      const trust = { verify: verifySr25519, serverHotkey };
      const source = await openNamedSource(settings, signal);
      try {
        const epoch = await openEpoch(source, epochId, trust);
        // A server has the receipt's time also for a miner, whom it gives no snapshot.
        const asksServer = settings.records === undefined && settings.objects === undefined;
        const clients = asksServer ? await openClients(settings) : undefined;
        const explanations =
          clients === undefined
            ? await explainFromRecords(source, epoch, hotkey, trust)
            : await explainFromServer(clients, epochId, hotkey, signal).finally(() => clients.close());
        process.stdout.write(explanationText(hotkey, epoch, explanations));
      } finally {
        source.close();
      }
    },
  );
}
