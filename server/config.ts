/**
 * The server's settings: names, defaults, checks.
 */
import { DEPLOYMENT_SETTINGS } from "../adapters/settings/chain-settings.js";
import { LOG_SETTINGS, walletSettings } from "../adapters/settings/common-settings.js";
import { LIMIT_SETTINGS, callerLimitsOf } from "../adapters/settings/limit-settings.js";
import {
  type RawSettings,
  type SettingsOf,
  environmentName,
  flagName,
  parse,
  readSettings,
  setting,
} from "../adapters/settings/settings.js";
import { epochIdOf, epochNumberOfId } from "../core/epoch-time.js";
import { RULE_SETTINGS, ruleProblems, rulesOf } from "./config-rules.js";
import type { CallLimits, Deployment } from "./parts.js";
import { keepDaysProblem } from "./retention.js";
import {
  type CachePlace,
  type ObjectsPlace,
  readCachePlace,
  readCataloguePlace,
  readObjectsPlace,
  readTokenKeys,
} from "./places.js";

/** Settings of the server. */
export const SETTINGS = {
  listenHost: setting("Address to listen on. Default 127.0.0.1.", parse.text("127.0.0.1")),
  listenPort: setting(
    "Port to listen on; 0 is any free one. Default 8450.",
    parse.integer({ min: 0, max: 65_535 }, 8450),
  ),
  publicUrl: setting(
    "Address at which miners and validators reach the server. Default the address it listens on.",
    parse.optionalUrl(),
  ),
  tlsCert: setting("File of the TLS certificate chain, PEM. Default none: cleartext.", parse.optionalText()),
  tlsKey: setting("File of the TLS certificate's key, PEM.", parse.optionalText()),
  ...DEPLOYMENT_SETTINGS,
  ...walletSettings("Hotkey that signs the records"),
  dataDir: setting("Folder for what the server keeps itself. Default zipnet-server.", parse.text("zipnet-server")),
  objects: setting(
    'Where objects are kept: "folder:DIR", or "s3://KEY:SECRET@host/bucket?region=...". Default a folder in the data folder.',
    parse.custom<ObjectsPlace | "default">(
      '"folder:DIR" or "s3://KEY:SECRET@host/bucket"',
      readObjectsPlace,
      "default",
    ),
    { secret: true },
  ),
  cache: setting(
    'Cache: "memory", or "redis://host:port". Several replicas must share one Redis. Default memory.',
    parse.custom<CachePlace>('"memory" or "redis://host:port"', readCachePlace, { kind: "memory" }),
    { secret: true },
  ),
  catalogue: setting(
    "Catalogue to draw from: a file that `zipnet catalogue import` wrote, or the SHA-256 of one that the store holds.",
    parse.custom("the path of a catalogue file or a SHA-256", readCataloguePlace),
  ),
  epochLengthSeconds: setting("Length of an epoch. Default 14400.", parse.integer({ min: 1, max: 86_400 }, 14_400)),
  firstEpoch: setting(
    'Id of the epoch to begin with when there is no record yet, for example "20261122T120000Z". Default the running one.',
    parse.optionalText(),
  ),
  calibrateEveryEpochs: setting(
    "Settled epochs after which the catalogue is calibrated by what they held; 0 for never. Default 42.",
    parse.integer({ min: 0, max: 10_000 }, 42),
  ),
  resultCapListings: setting(
    "Listings that one search of the source shows at most; zip codes that reach it are marked. Default 820.",
    parse.integer({ min: 1, max: 1_000_000 }, 820),
  ),
  settleMs: setting(
    "Milliseconds after a close in which a finalize call that came before it may still be dealt with. Default 5000.",
    parse.integer({ min: 0, max: 600_000 }, 5_000),
  ),
  ...RULE_SETTINGS,
  grantTtlSeconds: setting(
    "Seconds that a grant is good for; never after the close. Default 900.",
    parse.integer({ min: 10, max: 86_400 }, 900),
  ),
  maxObjectsPerEpoch: setting(
    "Objects that one miner may upload in one epoch. Default 5000.",
    parse.integer({ min: 1, max: 100_000 }, 5_000),
  ),
  maxBytesPerEpoch: setting(
    "Bytes that one miner may upload in one epoch. Default 268435456.",
    parse.integer({ min: 1, max: 1_000_000_000_000 }, 268_435_456),
  ),
  ...LIMIT_SETTINGS,
  maxRequestBytes: setting(
    "Largest request in bytes. Default 16777216.",
    parse.integer({ min: 65_536, max: 268_435_456 }, 16_777_216),
  ),
  bookmarkIntervalMs: setting(
    "Milliseconds between bookmarks on a quiet stream. Default 15000.",
    parse.integer({ min: 100, max: 600_000 }, 15_000),
  ),
  drainWindowMs: setting(
    "When the server goes down, clients come back spread over this time. Default 30000.",
    parse.integer({ min: 0, max: 600_000 }, 30_000),
  ),
  stallTimeoutMs: setting(
    "A stream whose connection takes nothing for so many milliseconds is ended. Default 60000.",
    parse.integer({ min: 1_000, max: 3_600_000 }, 60_000),
  ),
  tokenKeys: setting(
    'Keys of resume tokens, the new one first: "wallet", or 64 hexadecimal digits; two while one replaces the other. All replicas need the same. Default wallet.',
    parse.custom('"wallet" or 64 hexadecimal digits, one or two, separated by a comma', readTokenKeys, ["wallet"]),
    { secret: true },
  ),
  keepDataDays: setting(
    "Days after which uploaded listings are deleted; 0 for never. Records are kept for ever. Default 0.",
    parse.integer({ min: 0, max: 36_500 }, 0),
  ),
  keptEpochs: setting(
    "Epochs that a resume token may be behind. Default 42.",
    parse.integer({ min: 2, max: 10_000 }, 42),
  ),
  minValidatorStakeTao: setting(
    "Stake in TAO from which on a permitted hotkey is served as a validator. Default 1000.",
    parse.integer({ min: 0, max: 21_000_000 }, 1_000),
  ),
  metagraphMaxAgeMs: setting(
    "Age in milliseconds at which the metagraph is read again. Default 30000.",
    parse.integer({ min: 100, max: 3_600_000 }, 30_000),
  ),
  ...LOG_SETTINGS,
};

/** The server's settings as they hold. */
export type ServerSettings = SettingsOf<typeof SETTINGS>;

const EVERYWHERE: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

/** What does not fit together, one sentence per problem. */
function problemsOf(settings: ServerSettings): string[] {
  const name = (setting: keyof ServerSettings): string => `${environmentName(setting)} (${flagName(setting)})`;
  const problems = ruleProblems(settings, settings.epochLengthSeconds);
  if ((settings.tlsCert === undefined) !== (settings.tlsKey === undefined)) {
    const [given, missing] =
      settings.tlsCert === undefined ? (["tlsKey", "tlsCert"] as const) : (["tlsCert", "tlsKey"] as const);
    problems.push(`${name(missing)} is missing, but must be given together with ${name(given)}`);
  }
  if (
    settings.publicUrl === undefined &&
    EVERYWHERE.has(settings.listenHost) &&
    objectsPlace(settings).kind === "folder"
  ) {
    problems.push(
      `${name("publicUrl")} is missing, but must say where clients reach the server when it listens on ${settings.listenHost} and serves objects from a folder`,
    );
  }
  const lengthMs = settings.epochLengthSeconds * 1000;
  if (firstEpochOf(settings) === undefined) {
    problems.push(
      `${name("firstEpoch")} is ${JSON.stringify(settings.firstEpoch)}, but must be the id of an epoch of ${settings.epochLengthSeconds} seconds, for example ${JSON.stringify(epochIdOf(lengthMs * Math.ceil(1.8e12 / lengthMs)))}`,
    );
  }
  const keepProblem = keepDaysProblem(settings.keepDataDays, settings.epochLengthSeconds);
  if (keepProblem !== undefined) problems.push(`${name("keepDataDays")} ${keepProblem}`);
  if (settings.settleMs >= lengthMs) {
    problems.push(`${name("settleMs")} is ${settings.settleMs}, but must be less than the epoch's length, ${lengthMs}`);
  }
  return problems;
}

/**
 * Reads and checks the settings. Throws SettingsError with all problems.
 *
 * @param s3Problem what is wrong with an S3 address, as the adapter that will use it finds.
 */
export function readServerSettings(
  raw: RawSettings,
  s3Problem: (url: string) => string | undefined = () => undefined,
): ServerSettings {
  return readSettings(SETTINGS, raw, (settings) => {
    const place = objectsPlace(settings);
    const problem = place.kind === "s3" ? s3Problem(place.url) : undefined;
    const named = `${environmentName("objects")} (${flagName("objects")})`;
    return [...problemsOf(settings), ...(problem === undefined ? [] : [`${named}: ${problem}`])];
  });
}

/** Where objects are kept, the default filled in. */
export function objectsPlace({ dataDir, objects }: ServerSettings): ObjectsPlace {
  return objects === "default" ? { kind: "folder", dir: `${dataDir}/objects` } : objects;
}

/** Number of the epoch to begin with, 0 where none is set; undefined when the id is none of an epoch of this length. */
function firstEpochOf({ epochLengthSeconds, firstEpoch }: ServerSettings): number | undefined {
  return firstEpoch === undefined ? 0 : epochNumberOfId(firstEpoch, epochLengthSeconds);
}

/** The deployment by the settings. */
export function deploymentOf(settings: ServerSettings): Deployment {
  const { network, netuid, epochLengthSeconds, settleMs, calibrateEveryEpochs, resultCapListings } = settings;
  const rules = rulesOf(settings, epochLengthSeconds);
  const calibration = { calibrateEveryEpochs, resultCapListings };
  const firstEpoch = firstEpochOf(settings) ?? 0;
  return { network, netuid, epochLengthSeconds, settleMs, rules, firstEpoch, ...calibration };
}

/** What callers are held to by the settings. */
export function limitsOf(settings: ServerSettings): CallLimits {
  const { maxRequestBytes, grantTtlSeconds, bookmarkIntervalMs, keptEpochs } = settings;
  const { maxObjectsPerEpoch, maxBytesPerEpoch } = settings;
  return {
    ...callerLimitsOf(settings),
    maxRequestBytes,
    grantTtlSeconds,
    bookmarkIntervalMs,
    keptEpochs,
    maxObjectsPerEpoch,
    maxBytesPerEpoch,
  };
}
