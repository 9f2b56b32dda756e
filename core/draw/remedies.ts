/** Which single rule to change, and to which value, so that something works that does not. */
import type { Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import { grouped } from "../constraints/show.js";

/** Whether the changed rules do what these do not. */
export type Works = (rules: Rules) => boolean;

const MOST_EXPECTED_LISTINGS = 1_000_000;

/**
 * Every single rule whose change works, each as an instruction with the value nearest to the present one that was found
 * to work. Larger changes are taken to work as well, so that few values need to be tried. Empty when no single rule will
 * do.
 */
export function remediesFor(rules: Rules, works: Works): string[] {
  const { targetListings, cooldownEpochs, minExpectedListings, maxExpectedListings } = rules;
  const remedies: string[] = [];
  const target = lowerTarget(targetListings, (value) => works({ ...rules, targetListings: value }));
  if (target !== undefined) remedies.push(`lower target_listings to at most ${grouped(target)}`);
  const cooldown = nearest(cooldownEpochs, 0, (value) => works({ ...rules, cooldownEpochs: value }));
  if (cooldown !== undefined) remedies.push(`lower cooldown_epochs to at most ${grouped(cooldown)}`);
  const min = nearest(minExpectedListings, 1, (value) => works({ ...rules, minExpectedListings: value }));
  if (min !== undefined) remedies.push(`lower min_expected_listings to at most ${grouped(min)}`);
  const max = nearest(maxExpectedListings, MOST_EXPECTED_LISTINGS, (value) =>
    works({ ...rules, maxExpectedListings: value }),
  );
  if (max !== undefined) remedies.push(`raise max_expected_listings to at least ${grouped(max)}`);
  const isLimited = rules.includeStates.length > 0 || rules.excludeStates.length > 0;
  if (isLimited && works({ ...rules, includeStates: [], excludeStates: [] })) {
    remedies.push("allow more states with include_states and exclude_states");
  }
  return remedies;
}

/** A target below the present one that works, found by halving; the largest where larger ones fail. */
function lowerTarget(from: number, works: (value: number) => boolean): number | undefined {
  let fails = from;
  for (let value = Math.floor(from / 2); value >= 1; value = Math.floor(value / 2)) {
    if (works(value)) return boundary(value, fails, works);
    fails = value;
  }
  return undefined;
}

/** The value nearest to `from`, which does not work, that does; undefined when not even `to` works. */
function nearest(from: number, to: number, works: (value: number) => boolean): number | undefined {
  return from === to || !works(to) ? undefined : boundary(to, from, works);
}

/** Closes in on a working value next to one that fails, from one that works and one that fails. */
function boundary(good: number, bad: number, works: (value: number) => boolean): number {
  while (Math.abs(good - bad) > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (works(middle)) good = middle;
    else bad = middle;
  }
  return good;
}
