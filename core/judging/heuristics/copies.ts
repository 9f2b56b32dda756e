/**
 * Copies: submissions whose rows were read in the same moments as those of an earlier one, or in moments shifted by one
 * and the same time. Honest miners read the same source, so equal rows prove nothing, and neither does what only a few
 * have: whoever sends many submissions decides what few have. The moments of two readers differ by milliseconds that
 * nobody controls.
 */
import { bytesToHex, fnv1a, sha256Of } from "../../hash.js";
import { byText } from "../apportion.js";
import { indexOfListing } from "../accepted-rows.js";
import type { SubmissionCheck } from "../submission-check.js";
import { inOrderOfReceipts } from "./receipt-order.js";

/** Name of the algorithm; part of what its sample is drawn by. */
const COPY_VERSION = "zipnet-copy-v1";
/** Listings that submissions are compared by. */
const SAMPLE_LISTINGS = 1_024;
/** Fewer rows in common prove nothing ... */
const MIN_SHIFTED_ROWS = 20;
/** ... and neither do rows of fewer moments: a page of a source is read in one. */
const MIN_MOMENTS = 5;
/** A clock that only tells seconds makes differences equal by itself. */
const COARSE_CLOCK_MS = 1_000;

/** Whose copy a submission is. */
export interface CopyOf {
  /** The miner of the earlier submission. */
  readonly hotkey: string;
  /** One sentence for a person, with the figures. */
  readonly detail: string;
}

/** A submission's moments of reading the sample, in its order; NaN where it does not have a listing. */
interface Moments {
  readonly hotkey: string;
  readonly timesMs: Float64Array;
  /** Listings of the sample that it has. */
  readonly rows: number;
}

/**
 * The submissions that are copies of earlier ones, by hotkey. Does not depend on the order of the checks.
 *
 * @param seedBlockHash hash of the snapshot's seed block: nobody knew while submitting which listings are compared.
 */
export function copiesAmong(checks: readonly SubmissionCheck[], seedBlockHash: string): Map<string, CopyOf> {
  const ordered = inOrderOfReceipts(checks);
  const sample = sampleOf(ordered, seedBlockHash);
  const moments = ordered.map((check) => momentsOf(check, sample));
  const copies = new Map<string, CopyOf>();
  moments.forEach((later, place) => {
    // A copy of a copy is one of the first too, so those that are found already need no comparison.
    const originals = moments.slice(0, place).filter(({ hotkey }) => !copies.has(hotkey));
    for (const earlier of originals) {
      const found = shiftBetween(earlier, later);
      if (found === undefined) continue;
      copies.set(later.hotkey, { hotkey: earlier.hotkey, detail: sentence(earlier.hotkey, found) });
      return;
    }
  });
  return copies;
}

interface Sampled {
  readonly zipCode: string;
  readonly listingId: string;
}

/** The listings of all submissions whose hashes with the seed are the smallest. */
function sampleOf(checks: readonly SubmissionCheck[], seedBlockHash: string): Sampled[] {
  const all = new Map<string, Set<string>>();
  for (const { accepted } of checks) {
    for (const [zipCode, ids] of accepted) {
      const known = all.get(zipCode) ?? new Set();
      for (const id of ids) known.add(id);
      all.set(zipCode, known);
    }
  }
  const seed = bytesToHex(sha256Of(`${COPY_VERSION}\n${seedBlockHash}`)).slice(0, 16);
  const hashed = [...all].flatMap(([zipCode, ids]) =>
    [...ids].map((listingId) => ({ zipCode, listingId, hash: mix(`${seed}/${listingId}`) })),
  );
  hashed.sort((a, b) => a.hash - b.hash || byText(a.zipCode, b.zipCode) || byText(a.listingId, b.listingId));
  return hashed.slice(0, SAMPLE_LISTINGS);
}

/** FNV-1a with a last mixing: even enough for a choice that nobody can aim at. */
function mix(text: string): number {
  let hash = fnv1a(text);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

function momentsOf({ hotkey, acceptedRows }: SubmissionCheck, sample: readonly Sampled[]): Moments {
  const timesMs = Float64Array.from(sample, ({ zipCode, listingId }) => {
    const rows = acceptedRows.get(zipCode);
    const index = rows === undefined ? -1 : indexOfListing(rows, listingId);
    return rows?.scrapedMs[index] ?? Number.NaN;
  });
  return { hotkey, timesMs, rows: timesMs.filter((timeMs) => !Number.isNaN(timeMs)).length };
}

interface Shift {
  readonly shiftMs: number;
  readonly rows: number;
  readonly of: number;
}

/** The one shift that explains more than half of the later submission's moments, where there is one. */
function shiftBetween(earlier: Moments, later: Moments): Shift | undefined {
  const rowsByShift = new Map<number, number>();
  let [shiftMs, rows] = [0, 0];
  for (let i = 0; i < later.timesMs.length; i += 1) {
    const [from, to] = [earlier.timesMs[i] ?? Number.NaN, later.timesMs[i] ?? Number.NaN];
    if (Number.isNaN(from) || Number.isNaN(to) || from % COARSE_CLOCK_MS === 0 || to % COARSE_CLOCK_MS === 0) continue;
    const count = (rowsByShift.get(to - from) ?? 0) + 1;
    rowsByShift.set(to - from, count);
    if (count > rows) [shiftMs, rows] = [to - from, count];
  }
  if (rows < MIN_SHIFTED_ROWS || 2 * rows <= later.rows) return undefined;
  const moments = new Set(later.timesMs.filter((to, i) => to - (earlier.timesMs[i] ?? Number.NaN) === shiftMs));
  return moments.size < MIN_MOMENTS ? undefined : { shiftMs, rows, of: later.rows };
}

function sentence(hotkey: string, { shiftMs, rows, of }: Shift): string {
  const when = shiftMs === 0 ? "in the same milliseconds as" : `exactly ${shiftMs} ms from`;
  return `${rows} of ${of} compared listings were read ${when} those of ${hotkey}, whose receipt is earlier`;
}
