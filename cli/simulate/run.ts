/** One simulated network from its first epoch to its last, by one seed. */
import { epochIdOf } from "../../core/epoch-time.js";
import { defaultRules } from "../../core/rules.js";
import type { Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import type { HotkeyWeight } from "../../gen/zipnet/v1/report_pb.js";
import { chanceOf, hashOf } from "./chance.js";
import { assertAgreement, assertOrderIndependence, assertTable } from "./invariants.js";
import { type ClosedMarket, type Judgement, closeMarket, judge, judgeTogether } from "./judging.js";
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
/** Submissions that the store never gives one validator, of 10,000. */
const LOST_SUBMISSIONS_BPS = 5;

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
  const neurons = subnetNeurons(VALIDATORS, miners);
  const [together, alone] = [new WeightRows(neurons), new WeightRows(neurons)];
  const drawn: MarketZip[][] = [];
  let inForce: Tables | undefined;
  let judged: Tables | undefined;
  for (let number = 0; number < epochs; number += 1) {
    const open = openEpoch(number, world, drawn, scenario);
    const closed = await closeMarket(open, submissionsTo(open, miners, world, seed), world, rules, seed);
    const judgements = await judgeAll(closed, scenario);
    for (const judgement of judgements.together) {
      ledger.checked(assertTable(closed, judgement));
      ledger.judged(judgement);
    }
    ledger.checked(assertAgreement(judgements.together));
    for (const first of judgements.together.slice(0, 1)) ledger.checked(assertOrderIndependence(closed, first));
    for (const _ of temposOf(number)) {
      if (inForce !== undefined) ledger.paid(together.tempo(inForce.together), alone.tempo(inForce.alone));
    }
    // Judged in the next epoch, in force from the one after it.
    inForce = judged;
    judged = { together: weightsIn(judgements.together), alone: weightsIn(judgements.alone) };
    await tell(number + 1);
  }
  return ledger.figures(scenario);
}

/** Weights by honest validator, with and without what the others found. */
type Tables = Readonly<Record<"together" | "alone", ReadonlyMap<string, readonly HotkeyWeight[]>>>;

function weightsIn(judgements: readonly Judgement[]): Tables["together"] {
  return new Map(judgements.map(({ validator, table }) => [validator, table.weights]));
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

/** The honest validators, each at its own time of the judging period: by themselves, and with the others' reports. */
async function judgeAll(closed: ClosedMarket, scenario: Scenario): Promise<Record<"together" | "alone", Judgement[]>> {
  const { seed, failBps, refusedBps } = scenario;
  const visits = VALIDATORS.filter(({ kind }) => kind === "honest").map(({ hotkey, stakeRao }) => {
    const chance = chanceOf(seed, hotkey, epochIdOf(closed.open.startMs));
    const startMs = closed.open.closeMs + chance.below(3 * HOUR_MS);
    const requests = chance.happens(refusedBps) ? 10_000 : failBps;
    const visit = { validator: hotkey, startMs, failBps: requests, lostSubmissionsBps: LOST_SUBMISSIONS_BPS, seed };
    return { visit, stakeRao };
  });
  const alone: Judgement[] = [];
  for (const { visit } of visits) alone.push(await judge(closed, visit));
  const together: Judgement[] = [];
  for (const [index, { visit }] of visits.entries()) {
    const others = visits.flatMap(({ visit: { validator }, stakeRao }, place) =>
      place === index ? [] : [{ validator, stakeRao, evidence: [...(alone[place]?.evidence.values() ?? [])].flat() }],
    );
    const own = alone[index];
    if (own !== undefined) together.push(await judgeTogether(closed, visit, own, others));
  }
  return { together, alone };
}

function temposOf(number: number): readonly number[] {
  const first = Math.ceil((number * EPOCH_BLOCKS) / TEMPO_BLOCKS);
  const next = Math.ceil(((number + 1) * EPOCH_BLOCKS) / TEMPO_BLOCKS);
  return Array.from({ length: next - first }, (_, index) => first + index);
}
