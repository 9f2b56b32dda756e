/** How often a spot check decides what, computed over all ways that its sample can turn out. */
import type { Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import { type NextStep, type SpotCheckDecision, nextStep } from "./decision.js";

/** Probabilities of the decisions, and the listings that are read on average. */
export interface Outcomes extends Readonly<Record<SpotCheckDecision, number>> {
  readonly meanListings: number;
}

const AVAILABLE = 1_000_000;
/** Steps that were computed already, by rules and by what was read and failed: several rates go by the same. */
const known = new WeakMap<Rules, Map<string, NextStep>>();

function stepAfter(read: number, fail: number, rules: Rules): NextStep {
  const steps = known.get(rules) ?? new Map<string, NextStep>();
  known.set(rules, steps);
  const key = `${read}/${fail}`;
  const step = steps.get(key) ?? nextStep({ pass: read - fail, fail, unknown: 0 }, AVAILABLE, rules);
  steps.set(key, step);
  return step;
}

/** The outcomes for a large submission whose listings fail with a probability, all others pass. */
export function outcomesAt(failProbability: number, rules: Rules): Outcomes {
  const found = { verified: 0, unverified: 0, liar: 0, meanListings: 0 };
  let read = 0;
  /** Probability that the check is still open with so many failures. */
  let open = new Map([[0, 1]]);
  while (open.size > 0) {
    const going = new Map<number, number>();
    let upTo = read;
    for (const [fail, probability] of open) {
      const next = stepAfter(read, fail, rules);
      if (next.kind === "sample") {
        upTo = next.upTo;
        going.set(fail, probability);
      } else {
        found[next.decision] += probability;
        found.meanListings += probability * read;
      }
    }
    for (; read < upTo; read += 1) advance(going, failProbability);
    open = going;
  }
  return found;
}

/** Reads one more listing. */
function advance(open: Map<number, number>, failProbability: number): void {
  for (const [fail, probability] of [...open].sort(([a], [b]) => b - a)) {
    open.set(fail + 1, (open.get(fail + 1) ?? 0) + probability * failProbability);
    open.set(fail, probability * (1 - failProbability));
  }
}
