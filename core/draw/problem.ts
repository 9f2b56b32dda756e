/** Why no set of zip codes can be drawn, for the person who sets the rules. */
import type { CatalogueEntry } from "../../gen/zipnet/v1/epoch_pb.js";
import { grouped } from "../constraints/show.js";
import { type Band, bandOf, sumOf } from "./band.js";
import { canLand, nearestSumBelow } from "./can-land.js";
import { type DrawPool, type LastDrawn, drawPool, eligibleEntries, refusalOf } from "./pool.js";
import { remediesFor } from "./remedies.js";

/** A draw that missed. */
export interface Miss {
  readonly pool: DrawPool;
  readonly number: number;
  readonly lastDrawn: LastDrawn;
  readonly eligible: readonly CatalogueEntry[];
  readonly band: Band;
}

/** Names what is wrong, by how much, and every single rule whose change would help, with the value that it needs. */
export function explainMiss(miss: Miss): string {
  const { eligible, pool, band } = miss;
  const total = sumOf(eligible);
  if (eligible.length === 0) {
    const all = `none of the ${count(pool.catalogue.entries.length)} is eligible`;
    return `${all}: ${refusals(miss)}: ${whatWouldDo(miss)}`;
  }
  if (total < band.low) {
    return (
      `the ${count(eligible.length, "eligible ")} expect ${grouped(total)} listings together, ` +
      `${grouped(band.low - total)} fewer than the least allowed ${grouped(band.low)}: ${whatWouldDo(miss)}`
    );
  }
  const smallest = eligible.reduce((least, entry) => Math.min(least, entry.expectedListings), Infinity);
  return smallest > band.high ? tooLarge(miss, smallest) : noneFits(miss);
}

function remedies({ pool, number, lastDrawn }: Miss): string[] {
  return remediesFor(pool.rules, (rules) =>
    canLand(eligibleEntries(drawPool(pool.catalogue, rules), number, lastDrawn), bandOf(rules)),
  );
}

function whatWouldDo(miss: Miss): string {
  return remedies(miss).join(", or ") || "no single rule's change would do; change several, or take a larger catalogue";
}

function tooLarge(miss: Miss, smallest: number): string {
  const { pool, eligible, band } = miss;
  const target = Math.ceil((smallest * 10_000) / (10_000 + pool.rules.toleranceBps));
  return (
    `even the smallest of the ${count(eligible.length, "eligible ")} expects ${grouped(smallest)} listings, ` +
    `${grouped(smallest - band.high)} more than the most allowed ${grouped(band.high)}: ` +
    [`raise target_listings to at least ${grouped(target)}`, ...remedies(miss)].join(", or ")
  );
}

function noneFits({ pool, band, eligible }: Miss): string {
  const nearestBelow = nearestSumBelow(eligible, band);
  const { targetListings } = pool.rules;
  const tolerance = Math.ceil(((targetListings - nearestBelow) * 10_000) / targetListings);
  const widen = tolerance <= 5_000 ? `raise tolerance_bps to at least ${grouped(tolerance)}, or ` : "";
  return (
    `no set of the ${count(eligible.length, "eligible ")} expects ${grouped(band.low)} to ${grouped(band.high)} ` +
    `listings together; the nearest sum below is ${grouped(nearestBelow)}: ` +
    `${widen}set target_listings to ${grouped(nearestBelow)}`
  );
}

/** How many zip codes each rule refuses; one that several refuse counts with the first. */
function refusals({ pool, number, lastDrawn }: Miss): string {
  const { catalogue, rules } = pool;
  const counts = { "too small": 0, "too large": 0, "other state": 0, "in cooldown": 0 };
  for (const entry of catalogue.entries) {
    const isWaiting = number - (lastDrawn.get(entry.zipCode) ?? -Infinity) <= rules.cooldownEpochs;
    const reason = refusalOf(entry, rules) ?? (isWaiting ? "in cooldown" : undefined);
    if (reason !== undefined) counts[reason] += 1;
  }
  const reasons = [
    [counts["too small"], `fewer listings than min_expected_listings, ${rules.minExpectedListings}`],
    [counts["too large"], `more listings than max_expected_listings, ${rules.maxExpectedListings}`],
    [counts["other state"], "a state that include_states and exclude_states do not allow"],
    [counts["in cooldown"], `to wait out cooldown_epochs, ${rules.cooldownEpochs}`],
  ] as const;
  return reasons
    .filter(([zipCodes]) => zipCodes > 0)
    .map(([zipCodes, why]) => `${grouped(zipCodes)} have ${why}`)
    .join("; ");
}

function count(zipCodes: number, kind = ""): string {
  return `${grouped(zipCodes)} ${kind}zip code${zipCodes === 1 ? "" : "s"}`;
}
