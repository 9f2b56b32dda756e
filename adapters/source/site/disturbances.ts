/**
 * How the site misbehaves: what a page does instead of answering as it should.
 */
import { sha256Of } from "../../../core/hash.js";
import { randomSequence } from "../../../core/random.js";

/** How often, in ten-thousandths of the pages, 0 to 10,000. One page suffers from one thing at most. */
export interface Disturbances {
  /** Answered with a challenge. */
  readonly challengeRateBps: number;
  /** Answered 429: too many requests. */
  readonly limitedRateBps: number;
  /** Answered 500 or 503, in turn. */
  readonly errorRateBps: number;
  /** Never answered; the connection stays open until the reader gives up. */
  readonly stallRateBps: number;
  /** Sent only in part, without a sign of it in the protocol. */
  readonly truncatedRateBps: number;
  /** Sent with other names in its data, as after a change of the site. */
  readonly changedRateBps: number;
  /** So many pages are sent before the site changes for good; 0 for never. */
  readonly changedAfterPages: number;
  /** How long a 429 or 503 asks to be left alone, in seconds; 0 for not at all. */
  readonly retryAfterSeconds: number;
}

/** A site that behaves. */
export const UNDISTURBED: Disturbances = {
  challengeRateBps: 0,
  limitedRateBps: 0,
  errorRateBps: 0,
  stallRateBps: 0,
  truncatedRateBps: 0,
  changedRateBps: 0,
  changedAfterPages: 0,
  retryAfterSeconds: 0,
};

/** What happens to a page. */
export type Disturbance = "challenge" | "limited" | "error" | "stall" | "truncated" | "changed";

/** What happens to a page, by its count: the same seed disturbs the same requests. Undefined for nothing. */
export function disturbanceOf(rates: Disturbances, seed: string, pageNumber: number): Disturbance | undefined {
  const random = randomSequence(sha256Of(`zipnet-site-disturbance-v2\n${seed}\n${pageNumber}`));
  const kinds: readonly (readonly [Disturbance, number])[] = [
    ["challenge", rates.challengeRateBps],
    ["limited", rates.limitedRateBps],
    ["error", rates.errorRateBps],
    ["stall", rates.stallRateBps],
    ["truncated", rates.truncatedRateBps],
    ["changed", rates.changedRateBps],
  ];
  const hit = kinds.find(([, rateBps]) => random.below(10_000) < rateBps)?.[0];
  const hasChanged = rates.changedAfterPages > 0 && pageNumber > rates.changedAfterPages;
  return hit ?? (hasChanged ? "changed" : undefined);
}

/** A page as a changed site would send it: what readers look for has other names. */
export function changedShape(body: string): string {
  return body
    .replaceAll('"listResults"', '"homeResults"')
    .replaceAll('\\"homeStatus\\"', '\\"marketStatus\\"')
    .replaceAll("SQUARE FEET", "SIZE")
    .replaceAll('"offers"', '"offer"');
}
