/**
 * The deployment that the suite runs: who signs, how long an epoch is, and how much is in one.
 */
import { encodeCatalogue } from "../../core/catalogue.js";
import { signerFromUri } from "../../adapters/wallet/wallet.js";
import { sha256Of } from "../../core/hash.js";
import { type ResumeTokens, resumeTokens } from "../../rpc/resume-token.js";
import type { NamedCatalogue } from "../../server/parts.js";

export const NETWORK = "robustness";
export const NETUID = 46;
/** The shortest there is: an epoch opens and another closes every second. */
export const EPOCH_SECONDS = 1;
/** Key that signs the records. */
export const SERVER_URI = "//robustness/server";

const EXPECTED_LISTINGS = 10;
/** Zip codes in an epoch: with their places some 20 KB, so that who does not read soon fills its connection. */
const ZIP_CODES = 150;
export const TARGET_LISTINGS = ZIP_CODES * EXPECTED_LISTINGS;

/** The catalogue that every replica draws from; the same for all. */
export function memoryCatalogue(): NamedCatalogue {
  const { catalogue, sha256 } = encodeCatalogue(
    Array.from({ length: 5 * ZIP_CODES }, (_, index) => ({
      zipCode: String(10_000 + index),
      state: "WA",
      county: "King",
      place: `Place ${index} `.padEnd(100, "of many zip codes "),
      latitudeMicrodegrees: 47_000_000 + 1_000 * index,
      longitudeMicrodegrees: -122_000_000 + 1_000 * ((index * 37) % (5 * ZIP_CODES)),
      expectedListings: EXPECTED_LISTINGS,
      source: "test",
      asOf: "2026-11-01",
    })),
  );
  return { catalogue, sha256 };
}

/** Keys of resume tokens. They are being replaced all the time: which one is the newer, the replicas do not agree on. */
export const TOKEN_KEYS = [sha256Of("robustness, token key 0"), sha256Of("robustness, token key 1")] as const;

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
