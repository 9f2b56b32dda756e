/** Whether the draws of the time ahead land, and which rule to change where they do not. */
import type { Catalogue, Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import { type LastDrawn, drawPool } from "./pool.js";
import { remediesFor } from "./remedies.js";
import { simulateDraws } from "./simulate.js";
import { isProven, supplyOf } from "./sustain.js";

/** What is looked at. */
export interface OutlookInput {
  readonly catalogue: Catalogue;
  /** Valid rules. */
  readonly rules: Rules;
  /** Number of the first epoch. */
  readonly first: number;
  /** Epochs to look at, from the first on. */
  readonly epochs: number;
  /** The draws before the first. */
  readonly lastDrawn: LastDrawn;
}

/** What was seen. */
export interface Outlook {
  /** Epochs that were looked at; fewer than asked where 20 draws missed. */
  readonly epochs: number;
  /** Whether arithmetic proves that every draw lands, for ever; else the simulation speaks for the epochs looked at. */
  readonly isProven: boolean;
  /** Numbers of the epochs whose draw missed. */
  readonly missed: readonly number[];
  /** Why the first of them missed; empty where none did. */
  readonly problem: string;
  /** Each a change of one rule with which all draws land; empty where none missed, and where no single rule will do. */
  readonly remedies: readonly string[];
}

const SEED = "outlook";
/** Missed draws after which no more epochs are looked at: it is bad enough, and a miss can take long to be sure of. */
const MOST_MISSED = 20;

/** Simulates the epochs one by one: it yields after each, so that its caller can do something else in between. */
export function* lookAhead(input: OutlookInput): Generator<void, Outlook> {
  const { catalogue, rules, first, lastDrawn } = input;
  const pool = drawPool(catalogue, rules);
  const missed: number[] = [];
  let [problem, epochs] = ["", 0];
  for (const { number, result } of simulateDraws({ ...input, pool, seed: SEED })) {
    if (!result.ok) {
      if (missed.length === 0) problem = result.explain();
      missed.push(number);
    }
    epochs += 1;
    if (missed.length === MOST_MISSED) break;
    yield;
  }
  return {
    epochs,
    isProven: isProven(supplyOf(pool, first, lastDrawn)),
    missed,
    problem,
    remedies: missed.length === 0 ? [] : remediesFor(rules, (changed) => lands({ ...input, rules: changed })),
  };
}

/** Whether all draws land: by arithmetic where that proves it, else as far as the arithmetic and a simulation say so. */
function lands(input: OutlookInput): boolean {
  const pool = drawPool(input.catalogue, input.rules);
  const supply = supplyOf(pool, input.first, input.lastDrawn);
  if (supply.leastEligible < supply.needed) return false;
  if (isProven(supply)) return true;
  for (const { result } of simulateDraws({ ...input, pool, seed: SEED })) if (!result.ok) return false;
  return true;
}
