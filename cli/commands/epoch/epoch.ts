import { Command } from "commander";
import { systemClock } from "../../../adapters/clock/system-clock.js";
import { walletSettings } from "../../../adapters/settings/common-settings.js";
import { parse, readSettings, setting } from "../../../adapters/settings/settings.js";
import { loadSigner, verifySr25519 } from "../../../adapters/wallet/wallet.js";
import { openRecord } from "../../../core/signed-record.js";
import { type Epoch, EpochSchema } from "../../../gen/zipnet/v1/epoch_pb.js";
import type { SignedRecord } from "../../../gen/zipnet/v1/record_pb.js";
import { createClients } from "../../../rpc/client/client.js";
import { fromConnectError } from "../../../rpc/errors.js";
import { epochText } from "../../epochs/show.js";
import { addSettingFlags, mergedSettings } from "../../flags.js";
import { deriveCommand } from "./derive.js";
import { simulateCommand } from "./simulate.js";
import { verifyCommand } from "./verify.js";

const SETTINGS = {
  serverUrl: setting("Address of the server or of a relay.", parse.url()),
  serverHotkey: setting("The server's hotkey, which signs the epochs.", parse.hotkey()),
  receiver: setting("Hotkey of the relay, where it is one that is asked.", parse.optionalHotkey()),
  network: setting("Chain network of the deployment (default local).", parse.text("local")),
  netuid: setting("Subnet of the deployment (default 1).", parse.integer({ min: 0, max: 65_535 }, 1)),
  ...walletSettings("Hotkey that asks"),
};

/** Reads epochs with the settings of the command line. */
async function readEpochs(
  flags: Record<string, string>,
  read: (clients: ReturnType<typeof createClients>) => Promise<readonly (SignedRecord | undefined)[]>,
): Promise<readonly Epoch[]> {
  const settings = readSettings(SETTINGS, mergedSettings(flags));
  const { serverUrl, serverHotkey, receiver, network, netuid } = settings;
  const endpoint = { url: serverUrl, hotkey: receiver ?? serverHotkey };
  const signer = await loadSigner(settings);
  const clients = createClients(endpoint, { signer, network, netuid, clock: systemClock });
  try {
    const records = await read(clients);
    return records
      .filter((record) => record !== undefined)
      .map((record) => openRecord(EpochSchema, record, verifySr25519, serverHotkey));
  } catch (error) {
    throw fromConnectError(error);
  } finally {
    clients.close();
  }
}

/** `zipnet epoch`: what is and was assigned. */
export function epochCommand(signal: AbortSignal): Command {
  const show = addSettingFlags(
    new Command("show").description("prints an epoch, its signature checked").argument("[id]", "default: the newest"),
    SETTINGS,
  ).action(async (id: string | undefined, flags: Record<string, string>) => {
    const epochs = await readEpochs(flags, async ({ epochs: service }) => [
      (await service.getEpoch({ epochId: id ?? "" })).record,
    ]);
    process.stdout.write(`${epochs.map(epochText).join("\n\n")}\n`);
  });
  const list = addSettingFlags(
    new Command("list").description("prints the newest epochs, a line each"),
    SETTINGS,
  ).action(async (flags: Record<string, string>) => {
    const epochs = await readEpochs(flags, async ({ epochs: service }) =>
      (await service.listEpochs({})).epochs.map(({ record }) => record),
    );
    for (const { id, zipCodes, expectedListings } of epochs) {
      process.stdout.write(`${id}  ${zipCodes.length} zip codes, ${expectedListings} listings expected\n`);
    }
  });
  const epoch = new Command("epoch").description("what is and was assigned");
  for (const command of [show, list, verifyCommand(signal), deriveCommand(signal), simulateCommand(signal)])
    epoch.addCommand(command);
  return epoch;
}
