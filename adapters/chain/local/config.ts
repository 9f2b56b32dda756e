import { LOG_SETTINGS } from "../../settings/common-settings.js";
import { parse, type RawSettings, readSettings, setting, type SettingsOf } from "../../settings/settings.js";
import type { ChainRules } from "./events.js";

const U32_MAX = 2 ** 32 - 1;

/** Settings of the embedded chain. */
export const SETTINGS = {
  listenHost: setting("Address to listen on. Default 127.0.0.1.", parse.text("127.0.0.1")),
  listenPort: setting(
    "Port to listen on; 0 is any free one. Default 9944.",
    parse.integer({ min: 0, max: 65_535 }, 9944),
  ),
  listenAnywhere: setting(
    "Whether it may listen beyond this machine, where everybody could register and take stake. Default false.",
    parse.flag(false),
  ),
  dataDir: setting("Folder that keeps the chain. Default zipnet-chain.", parse.text("zipnet-chain")),
  network: setting('Name of the network. Default "local".', parse.text("local")),
  netuid: setting("Number of the subnet. Default 1.", parse.integer({ min: 0, max: 65_535 }, 1)),
  ownerHotkey: setting(
    "Hotkey of the subnet's owner, who is registered at the start and may set weights without permit and stake. Default none.",
    parse.optionalHotkey(),
  ),
  blockTimeMs: setting(
    "Milliseconds from one block to the next. Default 12000.",
    parse.integer({ min: 10, max: 3_600_000 }, 12_000),
  ),
  finalityLag: setting(
    "Blocks by which the finalized block is behind the newest. Default 2.",
    parse.integer({ min: 0, max: 1_000 }, 2),
  ),
  tempo: setting(
    "Blocks between two runs of the consensus. Default 360.",
    parse.integer({ min: 1, max: U32_MAX }, 360),
  ),
  weightsRateLimit: setting(
    "Blocks between two settings of weights by one validator. Default 100.",
    parse.integer({ min: 0, max: U32_MAX }, 100),
  ),
  minAllowedWeights: setting("Shortest accepted row of weights. Default 1.", parse.integer({ min: 0, max: 65_535 }, 1)),
  weightsVersionKey: setting(
    "Lowest accepted version key of weights; 0 takes every key. Default 0.",
    parse.integer({ min: 0, max: 999_999_999_999_999 }, 0),
  ),
  maxValidators: setting("Most validators with a permit. Default 64.", parse.integer({ min: 1, max: 65_536 }, 64)),
  minStakeRao: setting(
    "Stake in rao from which on a hotkey may set weights. Default 1000000000000, which are 1,000 TAO, as on the main network.",
    parse.integer({ min: 0, max: 999_999_999_999_999 }, 1_000_000_000_000),
  ),
  ...LOG_SETTINGS,
};

/** The embedded chain's settings as they hold. */
type ChainSettings = SettingsOf<typeof SETTINGS>;

/** Reads and checks the settings. Throws SettingsError with all problems. */
export function readChainSettings(raw: RawSettings): ChainSettings {
  return readSettings(SETTINGS, raw, ({ listenHost, listenAnywhere }) =>
    listenAnywhere || isLoopback(listenHost)
      ? []
      : [
          `ZIPNET_LISTEN_HOST (--listen-host) is ${JSON.stringify(listenHost)}, but must be 127.0.0.1, ::1 or localhost: ` +
            "everybody who reaches this chain may change it (ZIPNET_LISTEN_ANYWHERE=true allows it all the same)",
        ],
  );
}

/** What holds on the chain by its settings. */
export function rulesOf(settings: ChainSettings): ChainRules {
  const { network, netuid, tempo, finalityLag, weightsRateLimit, minAllowedWeights, maxValidators } = settings;
  return {
    network,
    netuid,
    ownerHotkey: settings.ownerHotkey ?? "",
    tempo,
    finalityLag,
    weightsRateLimit,
    minAllowedWeights,
    weightsVersionKey: BigInt(settings.weightsVersionKey),
    maxValidators,
    minStakeRao: BigInt(settings.minStakeRao),
  };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
