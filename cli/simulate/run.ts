/** One simulated network from its first epoch to its last, by one seed. */
import { epochIdOf } from "../../core/epoch-time.js";
import { defaultRules } from "../../core/rules.js";
import type { Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import type { HotkeyWeight } from "../../gen/zipnet/v1/report_pb.js";
import { chanceOf, hashOf } from "./chance.js";
import { assertAgreement, assertTable } from "./invariants.js";
import { type ClosedMarket, type Judgement, closeMarket, judge } from "./judging.js";
import { Ledger, type SeedFigures } from "./ledger.js";
import { type OpenEpoch, minersOf, submissionsTo } from "./miners.js";
import { subnetNeurons } from "./neurons.js";
import { STRATEGIES } from "./strategies.js";
import { VALIDATORS, WeightRows } from "./validators.js";
import { type MarketZip, World } from "./world.js";

const HOUR_MS = 3_600_000;
const EPOCH_SECONDS = 14_400;
const EPOCH_MS = EPOCH_SECONDS * 1_000;
const FIRST_EPOCH_MS = Date.UTC(2026, 10, 1);
/** Blocks of twelve seconds. */
const EPOCH_BLOCKS = EPOCH_SECONDS / 12;
const TEMPO_BLOCKS = 360;
/** Epochs in which a drawn zip code is not drawn again. */
const COOLDOWN = 3;

/** What is simulated. */
export interface Scenario {
  readonly seed: string;
  readonly epochs: number;
  /** Zip codes of an epoch, and of the whole market. */
  readonly zipCodes: number;
  readonly listingsPerZip: number;
  /** Operators by strategy, where other than the strategy says. */
  readonly operators: ReadonlyMap<string, number>;
  /** Requests of validators to the source that fail, of 10,000. */
  readonly failBps: number;
  /** Epochs in which the source refuses a given validator altogether, of 10,000. */
  readonly refusedBps: number;
}

/** Simulates; calls `tell` after every epoch, which may stop it by throwing. */
export async function simulate(scenario: Scenario, tell: (epoch: number) => Promise<void>): Promise<SeedFigures> {
  const { seed, epochs } = scenario;
  const world = new World(seed, FIRST_EPOCH_MS, scenario.zipCodes * (COOLDOWN + 2), scenario.listingsPerZip);
  const miners = minersOf(STRATEGIES, scenario.operators);
  const rules = rulesFor(scenario);
  const ledger = new Ledger(miners);
  const weights = new WeightRows(subnetNeurons(VALIDATORS, miners));
  const drawn: MarketZip[][] = [];
  let inForce: ReadonlyMap<string, readonly HotkeyWeight[]> = new Map();
  let judged: ReadonlyMap<string, readonly HotkeyWeight[]> = new Map();
  for (let number = 0; number < epochs; number += 1) {
    const open = openEpoch(number, world, drawn, scenario);
    const closed = await closeMarket(open, submissionsTo(open, miners, world, seed), world, rules, seed);
    const judgements = await judgeAll(closed, scenario);
    for (const judgement of judgements) {
      ledger.checked(assertTable(closed, judgement));
      ledger.judged(judgement);
    }
    ledger.checked(assertAgreement(judgements));
    // Judged in the next epoch, in force from the one after it.
    const table = new Map(judgements.map((judgement) => [judgement.validator, judgement.table.weights]));
    for (const _ of temposOf(number)) ledger.paid(weights.tempo(inForce));
    [inForce, judged] = [judged.size === 0 ? inForce : judged, table];
    await tell(number + 1);
  }
  return ledger.figures(scenario);
}

function rulesFor({ zipCodes, listingsPerZip }: Scenario): Rules {
  return Object.assign(defaultRules(EPOCH_SECONDS), { targetListings: zipCodes * listingsPerZip });
}

function openEpoch(number: number, world: World, drawn: MarketZip[][], { seed, zipCodes }: Scenario): OpenEpoch {
  const chance = chanceOf(seed, "draw", number);
  const resting = new Set(drawn.slice(-COOLDOWN).flat());
  const pool = world.zipCodes.filter((zip) => !resting.has(zip));
  const zips = Array.from({ length: zipCodes }, () => pool.splice(chance.below(pool.length), 1)).flat();
  drawn.push(zips);
  const startMs = FIRST_EPOCH_MS + number * EPOCH_MS;
  const inOrder = zips.toSorted((a, b) => Number(a.zipCode) - Number(b.zipCode));
  return { number, startMs, closeMs: startMs + EPOCH_MS, zips: inOrder, seedBlockHash: hashOf(seed, "before", number) };
}

/** The honest validators, each at its own time of the judging period. */
async function judgeAll(closed: ClosedMarket, scenario: Scenario): Promise<Judgement[]> {
  const { seed, failBps, refusedBps } = scenario;
  const judgements: Judgement[] = [];
  for (const { hotkey } of VALIDATORS.filter(({ kind }) => kind === "honest")) {
    const chance = chanceOf(seed, hotkey, epochIdOf(closed.open.startMs));
    const startMs = closed.open.closeMs + chance.below(3 * HOUR_MS);
    const requests = chance.happens(refusedBps) ? 10_000 : failBps;
    const visit = { validator: hotkey, startMs, failBps: requests, lostSubmissionsBps: 5, seed };
    judgements.push(await judge(closed, visit));
  }
  return judgements;
}

function temposOf(number: number): readonly number[] {
  const first = Math.ceil((number * EPOCH_BLOCKS) / TEMPO_BLOCKS);
  const next = Math.ceil(((number + 1) * EPOCH_BLOCKS) / TEMPO_BLOCKS);
  return Array.from({ length: next - first }, (_, index) => first + index);
}
