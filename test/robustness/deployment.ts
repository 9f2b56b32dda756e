/**
 * The deployment that the suite runs: who signs, how long an epoch is, and how much is in one.
 */
import { encodeCatalogue } from "../../core/catalogue.js";
import { signerFromUri } from "../../adapters/wallet/wallet.js";
import { bytesToHex, sha256Of } from "../../core/hash.js";
import { type ResumeTokens, resumeTokens } from "../../rpc/stream/resume-token.js";

export const NETWORK = "robustness";
export const NETUID = 46;
/** The shortest there is: an epoch opens and another closes every second. */
export const EPOCH_SECONDS = 1;
/** Key that signs the records. */
export const SERVER_URI = "//robustness/server";

const EXPECTED_LISTINGS = 10;
/** Zip codes in an epoch: with their places some 20 KB, so that who does not read soon fills its connection. */
const ZIP_CODES = 150;
/** Epochs for which a zip code is not drawn again; little more may be missed before keepers leave epochs out. */
const COOLDOWN_EPOCHS = 8;
const CATALOGUE = (COOLDOWN_EPOCHS + 4) * ZIP_CODES;
const TARGET_LISTINGS = ZIP_CODES * EXPECTED_LISTINGS;

/** The catalogue that every replica draws from, as a file holds it. */
export function catalogueBytes(): Uint8Array {
  return encodeCatalogue(
    Array.from({ length: CATALOGUE }, (_, index) => ({
      zipCode: String(10_000 + index),
      state: "WA",
      county: "King",
      place: `Place ${index} `.padEnd(100, "of many zip codes "),
      latitudeMicrodegrees: 47_000_000 + 1_000 * index,
      longitudeMicrodegrees: -122_000_000 + 1_000 * ((index * 37) % CATALOGUE),
      expectedListings: EXPECTED_LISTINGS,
      source: "test",
      asOf: "2026-11-01",
    })),
  ).bytes;
}

/** Keys of resume tokens. One replaces the other all the time: which is the new one, the replicas do not agree on. */
const TOKEN_KEYS = [sha256Of("robustness, token key 0"), sha256Of("robustness, token key 1")] as const;

/** Epochs that a token may be behind: few, so that history is compacted all the time. */
export const KEPT_EPOCHS = 10;

/** Settings of a replica, by environment name. `index` tells replicas apart. */
export function settingsOf(
  index: number,
  at: {
    readonly port: number;
    readonly objects: string;
    readonly catalogue: string;
    readonly redisUrl: string;
    readonly chainUrl: string;
  },
): Readonly<Record<string, string>> {
  const keys = TOKEN_KEYS.map((key) => bytesToHex(key));
  const settings: Readonly<Record<string, string | number>> = {
    LISTEN_PORT: at.port,
    NETWORK,
    NETUID,
    WALLET: SERVER_URI,
    OBJECTS: `folder:${at.objects}`,
    CATALOGUE: at.catalogue,
    CACHE: at.redisUrl,
    CHAIN: `local:${at.chainUrl}`,
    EPOCH_LENGTH_SECONDS: EPOCH_SECONDS,
    SETTLE_MS: 100,
    TARGET_LISTINGS,
    COOLDOWN_EPOCHS,
    KEPT_EPOCHS,
    BOOKMARK_INTERVAL_MS: 400,
    DRAIN_WINDOW_MS: 500,
    STALL_TIMEOUT_MS: 1_000,
    TOKEN_KEYS: (index % 2 === 0 ? keys : keys.toReversed()).join(),
    MAX_CALLS_PER_MINUTE: 100_000,
  };
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [`ZIPNET_${name}`, String(value)]));
}

let tokens: ResumeTokens | undefined;

/** Position of a token; undefined when it is none of this deployment's. The signature code must be ready. */
export function positionOf(token: Uint8Array): number | undefined {
  tokens ??= resumeTokens({
    network: NETWORK,
    netuid: NETUID,
    recordSigner: signerFromUri(SERVER_URI).hotkey,
    keys: TOKEN_KEYS,
    trustsOtherIssuers: false,
  });
  const decoded = tokens.decode(token);
  return decoded.status === "ok" ? decoded.revision : undefined;
}
