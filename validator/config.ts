/**
 * The validator's settings.
 */
import { isIP } from "node:net";
import { DEPLOYMENT_SETTINGS } from "../adapters/settings/chain-settings.js";
import { CALLER_SETTINGS, LOG_SETTINGS, walletSettings } from "../adapters/settings/common-settings.js";
import { LIMIT_SETTINGS, callerLimitsOf } from "../adapters/settings/limit-settings.js";
import { type RawSettings, type SettingsOf, parse, readSettings, setting } from "../adapters/settings/settings.js";
import { SOURCE_SETTINGS, sourceProblems } from "../adapters/settings/source-settings.js";
import { trustedProxies } from "../rpc/serving/caller-address.js";
import type { RelayAxon, ValidatorConfig } from "./parts.js";

/** The settings by name: meaning, default and check. */
export const SETTINGS = {
  serverUrl: setting("Address of the subnet's server; several are separated by commas.", parse.urls()),
  serverHotkey: setting(
    "The server's hotkey: it receives our calls and signs epochs, receipts and snapshots.",
    parse.hotkey(),
  ),
  ...DEPLOYMENT_SETTINGS,
  ...walletSettings("The validator's hotkey"),
  stateDir: setting("Folder for what must survive a restart.", parse.text()),
  listenHost: setting("Address that the relay listens on. Default 127.0.0.1.", parse.text("127.0.0.1")),
  listenPort: setting(
    "Port of the relay; 0 is any free one. Default 8451.",
    parse.integer({ min: 0, max: 65_535 }, 8451),
  ),
  publicUrl: setting(
    "Address at which miners reach the relay. Default the address it listens on.",
    parse.optionalUrl(),
  ),
  relayAxonIp: setting(
    "IP address at which the chain announces the relay to miners. Default publicUrl's, where that is http and names one; otherwise it is not announced.",
    parse.optionalCustom("an IPv4 or IPv6 address", readIp),
  ),
  relayAxonPort: setting(
    "Port that is announced with it. Default publicUrl's, or the one that the relay listens on.",
    parse.optionalCustom("a whole number from 1 to 65535", readPort),
  ),
  ...CALLER_SETTINGS,
  ...SOURCE_SETTINGS,
  requestIntervalMs: setting(
    "Time between two requests to the site in milliseconds, 0 to 600000. robots.txt may ask for more. Default 500.",
    parse.integer({ min: 0, max: 600_000 }, 500),
  ),
  concurrency: setting(
    "Files and pages that are read at the same time. Default 2.",
    parse.integer({ min: 1, max: 64 }, 2),
  ),
  cacheBytes: setting(
    "Bytes of miners' files that are kept on disk, 100000000 and up; a larger epoch is read in parts. Default 4000000000.",
    parse.integer({ min: 100_000_000, max: 1_000_000_000_000_000 }, 4_000_000_000),
  ),
  minValidatorStakeTao: setting(
    "Stake in TAO from which on the relay serves a permitted hotkey as a validator. Default 1000.",
    parse.integer({ min: 0, max: 21_000_000 }, 1_000),
  ),
  metagraphMaxAgeMs: setting(
    "Age in milliseconds at which the relay reads the metagraph again. Default 30000.",
    parse.integer({ min: 100, max: 3_600_000 }, 30_000),
  ),
  ...LIMIT_SETTINGS,
  bookmarkIntervalMs: setting(
    "Milliseconds between bookmarks on a quiet stream of the relay. Default 15000.",
    parse.integer({ min: 100, max: 600_000 }, 15_000),
  ),
  drainWindowMs: setting(
    "When the relay goes down, its clients come back spread over this time. Default 30000.",
    parse.integer({ min: 0, max: 600_000 }, 30_000),
  ),
  stallTimeoutMs: setting(
    "A stream of the relay whose connection takes nothing for so many milliseconds is ended. Default 60000.",
    parse.integer({ min: 1_000, max: 3_600_000 }, 60_000),
  ),
  keptEpochs: setting(
    "Epochs that a resume token of the relay may be behind. Default 42.",
    parse.integer({ min: 2, max: 10_000 }, 42),
  ),
  ...LOG_SETTINGS,
} as const;

/** An IP address in its usual spelling; undefined for what is none. */
function readIp(text: string): string | undefined {
  if (isIP(text) !== 6) return isIP(text) === 4 ? text : undefined;
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}

function readPort(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535 ? Number(text) : undefined;
}

/** Where the relay is announced; undefined where it is not. Axons speak cleartext, so an https address is not announced. */
function axonOf({ relayAxonIp, relayAxonPort, publicUrl }: ValidatorSettings): RelayAxon | undefined {
  const url = publicUrl?.startsWith("http:") === true ? new URL(publicUrl) : undefined;
  const ip = relayAxonIp ?? readIp(url?.hostname.replace(/^\[|\]$/g, "") ?? "");
  const publicPort = url === undefined ? undefined : Number(url.port || "80");
  return ip === undefined ? undefined : { ip, port: relayAxonPort ?? publicPort };
}

/** The validator's settings as they hold. */
export type ValidatorSettings = SettingsOf<typeof SETTINGS>;

/** Reads the settings. Throws SettingsError with every mistake at once. */
export function readValidatorSettings(raw: RawSettings): ValidatorSettings {
  return readSettings(SETTINGS, raw, sourceProblems);
}

const RAO_PER_TAO = 1_000_000_000n;
/** The relay takes small requests only: tokens, ids and page sizes. */
const MAX_RELAY_REQUEST_BYTES = 65_536;

/** Least stake of a validator whose relay is followed while the server is out of reach. */
export function minRelayStakeRaoOf({ minRelayStakeTao }: ValidatorSettings): bigint {
  return BigInt(minRelayStakeTao) * RAO_PER_TAO;
}

/** What the validator itself needs of the settings. */
export function configOf(settings: ValidatorSettings): ValidatorConfig {
  const { network, netuid, serverHotkey, concurrency, cacheBytes } = settings;
  const { metagraphMaxAgeMs, bookmarkIntervalMs, drainWindowMs, keptEpochs } = settings;
  return {
    network,
    netuid,
    serverHotkey,
    concurrency,
    cacheBytes,
    relay: {
      host: settings.listenHost,
      port: settings.listenPort,
      publicUrl: settings.publicUrl,
      axon: axonOf(settings),
      minValidatorStakeRao: BigInt(settings.minValidatorStakeTao) * RAO_PER_TAO,
      metagraphMaxAgeMs,
      limits: { ...callerLimitsOf(settings), maxRequestBytes: MAX_RELAY_REQUEST_BYTES },
      trusted: trustedProxies(settings.trustedProxies),
      bookmarkIntervalMs,
      drainWindowMs,
      stallTimeoutMs: settings.stallTimeoutMs,
      keptEpochs,
    },
  };
}
