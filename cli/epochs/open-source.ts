/** The settings that say where records are read from, and the source that they name. */
import { readFile } from "node:fs/promises";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { s3Objects } from "../../adapters/objects/s3/s3-objects.js";
import { parseS3Url } from "../../adapters/objects/s3/s3-url.js";
import { DEPLOYMENT_SETTINGS } from "../../adapters/settings/chain-settings.js";
import { optionalWalletSettings } from "../../adapters/settings/common-settings.js";
import { type SettingsOf, environmentName, flagName, parse, setting } from "../../adapters/settings/settings.js";
import { fetchTransfer } from "../../adapters/transfer/fetch-transfer.js";
import { loadSigner } from "../../adapters/wallet/wallet.js";
import { messageOf } from "../../core/errors.js";
import { type Clients, createClients } from "../../rpc/client/client.js";
import { fileSource } from "./file-source.js";
import { serverSource } from "./server-source.js";
import type { RecordSource } from "./source.js";
import { storeSource } from "./store-source.js";

/** Where records are read from. The first that is given counts: records, objects, serverUrl. */
export const SOURCE_SETTINGS = {
  records: setting(
    "A record's file, with the others beside it, or a folder of such files, to read instead of asking anybody.",
    parse.optionalText(),
  ),
  objects: setting(
    'Object store to read instead of asking a server: "folder:DIR", or "s3://KEY:SECRET@host/bucket?region=...".',
    parse.optionalText(),
    { secret: true },
  ),
  serverUrl: setting("Address of the server or of a relay to ask.", parse.optionalUrl()),
  receiver: setting("Hotkey of the relay, where it is one that is asked.", parse.optionalHotkey()),
  ...optionalWalletSettings("Hotkey that asks the server or relay"),
  serverHotkey: setting("The server's hotkey, which must have signed the records.", parse.optionalHotkey()),
  catalogue: setting("Catalogue file to draw from, instead of the source's.", parse.optionalText()),
  ...DEPLOYMENT_SETTINGS,
};

/** The settings as they hold. */
export type SourceSettings = SettingsOf<typeof SOURCE_SETTINGS>;

function given(name: keyof typeof SOURCE_SETTINGS): string {
  return `${flagName(name)} (${environmentName(name)})`;
}

/** A setting that the others make necessary. Throws an Error that names it where it is missing. */
export function needed(settings: SourceSettings, name: "serverHotkey" | "wallet" | "catalogue", why: string): string {
  const value = settings[name];
  if (value !== undefined) return value;
  throw new Error(`${given(name)} is missing, but must be given ${why}`);
}

/** The source that the settings name; undefined when they name none. Throws an Error for settings that do not fit. */
export async function openSource(settings: SourceSettings, signal: AbortSignal): Promise<RecordSource | undefined> {
  const source = await openPlace(settings, signal);
  if (source === undefined || settings.catalogue === undefined) return source;
  const catalogue = await readCatalogue(settings.catalogue);
  return { ...source, catalogue: () => Promise.resolve(catalogue) };
}

/** As openSource, where one must be named. */
export async function openNamedSource(settings: SourceSettings, signal: AbortSignal): Promise<RecordSource> {
  const source = await openSource(settings, signal);
  if (source !== undefined) return source;
  throw new Error(`give ${given("records")}, ${given("objects")} or ${given("serverUrl")}: where the record is read`);
}

/** The bytes of a catalogue file. Throws an Error. */
export async function readCatalogue(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    throw new Error(`the catalogue file ${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

async function openPlace(settings: SourceSettings, signal: AbortSignal): Promise<RecordSource | undefined> {
  const { records, objects, serverUrl } = settings;
  if (records !== undefined) return fileSource(records);
  if (objects?.startsWith("s3://") === true) {
    const place = parseS3Url(objects);
    return storeSource(`${place.endpoint}/${place.bucket}`, s3Objects(place, systemClock));
  }
  if (objects?.startsWith("folder:") === true) return fileSource(objects.slice("folder:".length));
  if (objects !== undefined) {
    throw new Error(`${given("objects")} must be "folder:DIR" or "s3://KEY:SECRET@host/bucket"`);
  }
  if (serverUrl === undefined) return undefined;
  return serverSource(serverUrl, await openClients(settings), fetchTransfer(), signal);
}

/** Clients of the server or relay that the settings name. Throws an Error where one of them is missing. */
export async function openClients(settings: SourceSettings): Promise<Clients> {
  const { serverUrl = "", receiver, network, netuid, walletsPath } = settings;
  const hotkey = receiver ?? needed(settings, "serverHotkey", "to ask a server");
  const wallet = needed(settings, "wallet", "to ask a server or relay");
  const signer = await loadSigner({ wallet, walletsPath });
  return createClients({ url: serverUrl, hotkey }, { signer, network, netuid, clock: systemClock });
}
