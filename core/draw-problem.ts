/** Why no set of zip codes can be drawn, for the person who sets the rules. */
import type { Catalogue, CatalogueEntry, Rules } from "../gen/zipnet/v1/epoch_pb.js";
import { grouped } from "./constraints/show.js";

/** The sums that an epoch may have, both ends included. */
export interface Band {
  readonly low: number;
  readonly high: number;
}

/** The band of valid rules. It holds the target, and low is at least 1. */
export function bandOf(rules: Rules): Band {
  return {
    low: Math.ceil((rules.targetListings * (10_000 - rules.toleranceBps)) / 10_000),
    high: Math.floor((rules.targetListings * (10_000 + rules.toleranceBps)) / 10_000),
  };
}

/** Expected listings of the entries together. */
export function sumOf(entries: readonly CatalogueEntry[]): number {
  return entries.reduce((sum, entry) => sum + entry.expectedListings, 0);
}

/** Whether the rules allow the entry's state. */
export function isInStates(entry: CatalogueEntry, rules: Rules): boolean {
  const included = rules.includeStates.length === 0 || rules.includeStates.includes(entry.state);
  return included && !rules.excludeStates.includes(entry.state);
}

/** A draw that missed. */
export interface Miss {
  readonly catalogue: Catalogue;
  readonly rules: Rules;
  readonly eligible: readonly CatalogueEntry[];
  readonly band: Band;
  /** The largest sum below the band that a set of eligible zip codes has. */
  readonly nearestBelow: number;
}

/** Names what is wrong, by how much, and every single rule whose change would help, with the value that it needs. */
export function explainMiss(miss: Miss): string {
  const { eligible, rules, band } = miss;
  const total = sumOf(eligible);
  if (eligible.length === 0)
    return `none of the ${count(miss.catalogue.entries.length)} is eligible: ${refusals(miss)}`;
  if (total < band.low) return tooFew(miss, total);
  const smallest = eligible.reduce((least, entry) => Math.min(least, entry.expectedListings), Infinity);
  const target = Math.ceil((smallest * 10_000) / (10_000 + rules.toleranceBps));
  if (smallest > band.high) {
    return (
      `even the smallest of the ${count(eligible.length)} expects ${grouped(smallest)} listings, ` +
      `${grouped(smallest - band.high)} more than the most allowed ${grouped(band.high)}: ` +
      `raise target_listings to at least ${grouped(target)}${smallerOnes(miss)}`
    );
  }
  return noneFits(miss);
}

function tooFew(miss: Miss, total: number): string {
  const { rules, band, eligible } = miss;
  const largestTarget = Math.floor((total * 10_000) / (10_000 - rules.toleranceBps));
  const remedies = [`lower target_listings to at most ${grouped(largestTarget)}`];
  const { inCooldown, tooSmall, tooLarge, otherState } = refused(miss);
  if (inCooldown.length > 0) {
    const waiting = `${count(inCooldown.length)} with ${grouped(sumOf(inCooldown))} listings in cooldown`;
    remedies.push(`lower cooldown_epochs below ${rules.cooldownEpochs} (${waiting})`);
  }
  if (tooSmall.some((entry) => entry.expectedListings > 0))
    remedies.push(`lower min_expected_listings below ${rules.minExpectedListings}`);
  if (tooLarge.length > 0) remedies.push(`raise max_expected_listings above ${rules.maxExpectedListings}`);
  if (otherState.length > 0) remedies.push("allow more states with include_states and exclude_states");
  return (
    `the ${eligible.length} eligible zip codes expect ${grouped(total)} listings together, ` +
    `${grouped(band.low - total)} fewer than the least allowed ${grouped(band.low)}: ${remedies.join(", or ")}`
  );
}

function noneFits({ rules, band, eligible, nearestBelow }: Miss): string {
  const tolerance = Math.ceil(((rules.targetListings - nearestBelow) * 10_000) / rules.targetListings);
  const widen = tolerance <= 5_000 ? `raise tolerance_bps to at least ${grouped(tolerance)}, or ` : "";
  return (
    `no set of the ${eligible.length} eligible zip codes expects ${grouped(band.low)} to ${grouped(band.high)} ` +
    `listings together; the nearest sum below is ${grouped(nearestBelow)}: ` +
    `${widen}set target_listings to ${grouped(nearestBelow)}`
  );
}

function smallerOnes(miss: Miss): string {
  const { tooSmall } = refused(miss);
  return tooSmall.some((entry) => entry.expectedListings > 0)
    ? `, or lower min_expected_listings below ${miss.rules.minExpectedListings}`
    : "";
}

function refusals(miss: Miss): string {
  const { rules } = miss;
  const { tooSmall, tooLarge, otherState, inCooldown } = refused(miss);
  const reasons = [
    { entries: tooSmall, why: `fewer listings than min_expected_listings, ${rules.minExpectedListings}` },
    { entries: tooLarge, why: `more listings than max_expected_listings, ${rules.maxExpectedListings}` },
    { entries: otherState, why: "a state that include_states and exclude_states do not allow" },
    { entries: inCooldown, why: `to wait out cooldown_epochs, ${rules.cooldownEpochs}` },
  ];
  const told = reasons.filter(({ entries }) => entries.length > 0);
  return `${told.map(({ entries, why }) => `${entries.length} have ${why}`).join("; ")}; change one of these rules`;
}

/** The entries that are not eligible, by the first rule that refuses them. */
function refused({ catalogue, rules, eligible }: Miss) {
  const drawn = new Set(eligible);
  const groups = { tooSmall: [], tooLarge: [], otherState: [], inCooldown: [] } as Record<
    "tooSmall" | "tooLarge" | "otherState" | "inCooldown",
    CatalogueEntry[]
  >;
  for (const entry of catalogue.entries) {
    if (drawn.has(entry)) continue;
    if (entry.expectedListings < rules.minExpectedListings) groups.tooSmall.push(entry);
    else if (entry.expectedListings > rules.maxExpectedListings) groups.tooLarge.push(entry);
    else if (isInStates(entry, rules)) groups.inCooldown.push(entry);
    else groups.otherState.push(entry);
  }
  return groups;
}

function count(zipCodes: number): string {
  return zipCodes === 1 ? "1 zip code" : `${grouped(zipCodes)} zip codes`;
}
