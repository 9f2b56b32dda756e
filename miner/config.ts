/**
 * The miner's settings.
 */
import { CHAIN_LIMIT_SETTINGS, optionalChainSetting } from "../adapters/settings/chain-settings.js";
import { CALLER_SETTINGS, LOG_SETTINGS, walletSettings } from "../adapters/settings/common-settings.js";
import {
  type RawSettings,
  type SettingsOf,
  environmentName,
  flagName,
  parse,
  readSettings,
  setting,
} from "../adapters/settings/settings.js";
import { SOURCE_SETTINGS, sourceProblems } from "../adapters/settings/source-settings.js";
import type { Endpoint } from "../rpc/client/client.js";

const urlSchema = parse.url();
const hotkeySchema = parse.hotkey();

/** A relay as written in the settings; undefined for what is not in the form. */
function relayOf(text: string): Endpoint | undefined {
  const [address, hotkeyText, ...rest] = text.split("#");
  const url = urlSchema.safeParse(address);
  const hotkey = hotkeySchema.safeParse(hotkeyText);
  return url.success && hotkey.success && rest.length === 0 ? { url: url.data, hotkey: hotkey.data } : undefined;
}

/** The words of a list, each read; undefined when any is not in its form. */
function allOf<T>(text: string, read: (word: string) => T | undefined): readonly T[] | undefined {
  const words = text.split(/[\s,]+/).filter((word) => word !== "");
  const values = words.map(read).filter((value) => value !== undefined);
  return values.length === words.length ? values : undefined;
}

/** The settings by name: meaning, default and check. */
export const SETTINGS = {
  serverUrl: setting("Address of the subnet's server; several are separated by commas.", parse.urls()),
  serverHotkey: setting("The server's hotkey: it receives our calls and signs epochs and receipts.", parse.hotkey()),
  relays: setting(
    "Validators that pass assignments on when the server is out of reach: address#hotkey, separated by commas.",
    parse.custom("address#hotkey for each relay, separated by commas", (text) => allOf(text, relayOf), []),
  ),
  chain: optionalChainSetting(
    'Chain to find relays on and to derive epochs from: ws:// or wss:// addresses, or "local:http://host:port". Default none: only relays that are named are used, and every epoch\'s record is waited for.',
  ),
  ...CHAIN_LIMIT_SETTINGS,
  deriveAfterMs: setting(
    "Milliseconds after an epoch's start that its record is waited for before the epoch is derived from the chain, 0 to 3600000; at most half an epoch. Default 60000.",
    parse.integer({ min: 0, max: 3_600_000 }, 60_000),
  ),
  ...CALLER_SETTINGS,
  network: setting("Chain network of the subnet, for example finney, test or local.", parse.text("local")),
  netuid: setting("Number of the subnet, 0 to 65535.", parse.integer({ min: 0, max: 65_535 }, 1)),
  ...walletSettings("The miner's hotkey"),
  stateDir: setting("Folder for what must survive a restart.", parse.text()),
  ...SOURCE_SETTINGS,
  requestIntervalMs: setting(
    "Time between two requests to the site in milliseconds, 0 to 600000. robots.txt may ask for more.",
    parse.integer({ min: 0, max: 600_000 }, 1000),
  ),
  concurrency: setting(
    "Pages of the site that are read at the same time, 1 to 64; one zip code more than that is worked on.",
    parse.integer({ min: 1, max: 64 }, 1),
  ),
  coverPercent: setting(
    "How much of the assignment to cover, from its beginning, in percent, 1 to 100.",
    parse.integer({ min: 1, max: 100 }, 100),
  ),
  progress: setting("Whether the server is told how far this miner is: on or off.", parse.oneOf(["on", "off"], "on")),
  ...LOG_SETTINGS,
} as const;

/** The miner's settings, parsed and checked. */
export interface MinerSettings extends SettingsOf<typeof SETTINGS> {
  /** The server's addresses first, then the relays that are named. */
  readonly endpoints: readonly Endpoint[];
  readonly minRelayStakeRao: bigint;
}

const RAO_PER_TAO = 1_000_000_000n;

function named(name: keyof typeof SETTINGS): string {
  return `${environmentName(name)} (${flagName(name)})`;
}

/** What does not fit together, one sentence each. */
function problemsOf(values: SettingsOf<typeof SETTINGS>): string[] {
  const problems: string[] = [];
  const { relays, serverHotkey } = values;
  const hotkeys = [serverHotkey, ...relays.map(({ hotkey }) => hotkey)];
  for (const hotkey of new Set(hotkeys.filter((each, index) => hotkeys.indexOf(each) !== index))) {
    problems.push(`${named("relays")} and ${named("serverHotkey")} name ${hotkey} more than once; name each once`);
  }
  return [...problems, ...sourceProblems(values)];
}

/** Reads the settings. Throws SettingsError with every mistake at once. */
export function readMinerSettings(raw: RawSettings): MinerSettings {
  const values = readSettings(SETTINGS, raw, problemsOf);
  const servers = values.serverUrl.map((url) => ({ url, hotkey: values.serverHotkey }));
  const minRelayStakeRao = BigInt(values.minRelayStakeTao) * RAO_PER_TAO;
  return { ...values, endpoints: [...servers, ...values.relays], minRelayStakeRao };
}
