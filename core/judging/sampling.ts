/**
 * Which listings of a miner are scraped again.
 */
import { sha256Of } from "../hash.js";
import { randomSequence, shuffled } from "../random.js";
import { byText } from "./apportion.js";
import type { SubmissionCheck } from "./submission-check.js";

/** Name of the sampling's algorithm; part of its seed. */
const SAMPLING_VERSION = "zipnet-sample-v1";

/** A listing to be scraped again. */
export interface SampledListing {
  readonly zipCode: string;
  readonly listingId: string;
}

/**
 * A uniform sample without replacement of the accepted listings, in the order of drawing; all of them when there are
 * no more than `size`. The list that it is drawn from is flat, ascending by zip code and listing id, so nothing that a
 * miner declares (counts, order, files) steers it, and the seed did not exist before the close.
 *
 * @param seedBlockHash hash of the snapshot's seed block, hexadecimal.
 */
export function sampleListings(check: SubmissionCheck, seedBlockHash: string, size: number): SampledListing[] {
  const zipCodes = [...check.accepted.keys()].sort(byText);
  const all = zipCodes.flatMap((zipCode) =>
    [...(check.accepted.get(zipCode) ?? [])].sort(byText).map((listingId) => ({ zipCode, listingId })),
  );
  const seed = sha256Of(`${SAMPLING_VERSION}\n${seedBlockHash}\n${check.hotkey}\n${check.manifestSha256}`);
  return shuffled(all, randomSequence(seed)).slice(0, size);
}
