/**
 * A week of a validator's weights, tempo after tempo, in a world where things go wrong.
 */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { create } from "@bufbuild/protobuf";
import { memoryState } from "../../adapters/state/memory-state.js";
import { epochIdOf } from "../../core/epoch-time.js";
import { sampleNeuron } from "../../core/metagraph.test-support.js";
import { uidWeights } from "../../core/weights.js";
import { type ScoreTable, ScoreTableSchema } from "../../gen/zipnet/v1/report_pb.js";
import { quietLog } from "../../test/support/quiet-log.js";
import { BLOCK_MS, FaultyChain, type Landed, RULES, seededRandom } from "./faulty-chain.test-support.js";
import { SettledTables } from "./settled-tables.js";
import { keepWeightsSet } from "./weights-loop.js";

const START_MS = Date.parse("2026-11-22T12:00:00Z");
const LENGTH_MS = 4 * 3_600_000;
const WEEK_BLOCKS = (7 * 86_400_000) / BLOCK_MS;
const HOTKEYS = ["owner", "validator", "m1", "m2", "m3", "m4", "m5"];
const MINERS = HOTKEYS.slice(2);
const ENOUGH_RAO = 5_000n;

/** Blocks of a tempo in a row without any trouble after which weights must be set. */
const ENOUGH_BLOCKS = 60;

interface Week {
  readonly chain: FaultyChain;
  /** First blocks of the tempos in which weights could be set. */
  readonly possible: ReadonlySet<number>;
  /** Settings whose row is not that of the judgement in force. */
  readonly wrong: readonly Landed[];
  readonly troubles: Readonly<Record<string, number>>;
}

const tempoOf = (block: number): number => block - (block % RULES.tempo);

/** The judgement, in the last hour of an epoch, of the one before it. */
function judgement(timeMs: number, random: () => number): ScoreTable {
  const epochStartMs = timeMs - ((timeMs - START_MS) % LENGTH_MS);
  const weights = MINERS.filter(() => random() < 0.8).map((hotkey) => ({
    hotkey,
    weightBps: 1 + Math.floor(random() * 9_999),
  }));
  return create(ScoreTableSchema, { epochId: epochIdOf(epochStartMs - LENGTH_MS), weights });
}

/** A validator's week. Something goes wrong every four hours or so, for a minute to three hours. */
class PlayedWeek {
  readonly tables = new SettledTables(LENGTH_MS);
  readonly chain: FaultyChain;
  readonly possible = new Set<number>();
  readonly wrong: Landed[] = [];
  readonly troubles = { down: 0, stalled: 0, restarted: 0, unstaked: 0 };
  stop = new AbortController();
  private goodBlocks = 0;
  private checked = 0;
  private unstakedUntil = 0;

  constructor(private readonly random: () => number) {
    this.chain = new FaultyChain(START_MS, HOTKEYS, random, (number) => this.afterBlock(number));
    this.chain.setStake("validator", ENOUGH_RAO);
  }

  private afterBlock(number: number): void {
    const { chain, tables } = this;
    if (number % (LENGTH_MS / BLOCK_MS) === 900) tables.add(judgement(chain.now(), this.random));
    if (this.random() < 1 / 1_200) this.startTrouble(number);
    if (number === this.unstakedUntil) chain.setStake("validator", ENOUGH_RAO);
    if (number >= WEEK_BLOCKS) this.stop.abort();
    this.checkLanded(number);
    this.judgeTempo(number);
  }

  private startTrouble(number: number): void {
    const { chain, troubles } = this;
    const kind = this.random();
    const until = number + 5 + Math.floor(this.random() ** 2 * 900);
    if (kind < 0.3) {
      chain.downUntil = until;
      troubles.down += 1;
    } else if (kind < 0.6) {
      chain.stalledUntil = until;
      troubles.stalled += 1;
    } else if (kind < 0.8) {
      this.stop.abort();
      troubles.restarted += 1;
    } else {
      chain.setStake("validator", 10n);
      this.unstakedUntil = until;
      troubles.unstaked += 1;
    }
  }

  /** Weights that have just landed must be those of the judgement in force, or in force when they were sent. */
  private checkLanded(number: number): void {
    const timeMs = START_MS + number * BLOCK_MS;
    const rows = [0, 40].map((blocks) => {
      const table = this.tables.inForceAt(timeMs - blocks * BLOCK_MS);
      const neurons = HOTKEYS.map((hotkey, uid) => sampleNeuron(uid, hotkey));
      return uidWeights(table?.weights ?? [], { neurons, minAllowedWeights: RULES.minAllowedWeights }).weights;
    });
    for (const landed of this.chain.landed.slice(this.checked)) {
      if (!rows.some((row) => isDeepStrictEqual(row, landed.weights))) this.wrong.push(landed);
    }
    this.checked = this.chain.landed.length;
  }

  /** Notes the tempo as one in which weights could be set once enough of its blocks in a row were without trouble. */
  private judgeTempo(number: number): void {
    const { chain } = this;
    const before = chain.landed.findLast(({ block }) => block < tempoOf(number))?.block ?? -Infinity;
    const isGood =
      !chain.isDown &&
      !chain.isStalled &&
      number > this.unstakedUntil &&
      number - before > RULES.weightsRateLimit &&
      this.tables.inForceAt(START_MS + number * BLOCK_MS) !== undefined;
    this.goodBlocks = isGood && number % RULES.tempo !== 0 ? this.goodBlocks + 1 : 0;
    if (this.goodBlocks === ENOUGH_BLOCKS) this.possible.add(tempoOf(number));
  }
}

/** Plays a week; the validator is started again whenever it was stopped. */
async function play(seed: number): Promise<Week> {
  const week = new PlayedWeek(seededRandom(seed));
  const { chain, tables } = week;
  const state = memoryState();
  const signer = { hotkey: "validator", sign: () => new Uint8Array(64) };
  const options = { chain, clock: chain, log: quietLog, signer, state, tables, versionKey: 0n };
  while (chain.height < WEEK_BLOCKS) {
    week.stop = new AbortController();
    await keepWeightsSet(options, week.stop.signal).catch((error: unknown) => {
      if (!week.stop.signal.aborted) throw error;
    });
  }
  return week;
}

describe("a week of weights", function () {
  this.timeout(60_000);
  for (const seed of [1, 2]) {
    it(`sets them in every tempo in which they can be, right and once, whatever goes wrong (seed ${seed})`, async () => {
      const { chain, possible, wrong, troubles } = await play(seed);
      assert.deepEqual(wrong, []);
      // After a refusal for something that lasts, the rest of the tempo is let go by.
      const letGo = new Set(chain.refusedAt.map(tempoOf));
      const set = new Set(chain.landed.map(({ block }) => tempoOf(block)));
      const missed = [...possible].filter((tempo) => !set.has(tempo) && !letGo.has(tempo));
      assert.deepEqual(missed, []);
      const doubled = chain.landed.filter(({ block, weights }, index) => {
        const last = chain.landed[index - 1];
        return last !== undefined && tempoOf(last.block) === tempoOf(block) && isDeepStrictEqual(last.weights, weights);
      });
      assert.deepEqual(doubled, []);
      assert.ok(
        possible.size > 100,
        `${possible.size} of ${WEEK_BLOCKS / RULES.tempo} tempos were without much trouble`,
      );
      assert.ok(letGo.size < 5, `${letGo.size} tempos were let go by`);
      assert.ok(
        Object.values(troubles).every((count) => count > 0),
        JSON.stringify(troubles),
      );
    });
  }
});
