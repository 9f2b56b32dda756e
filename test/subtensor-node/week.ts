/**
 * Days of the chain's time with faults at random, and a validator that keeps its weights set through them:
 *
 *     node --import tsx test/subtensor-node/week.ts --days 7 --seed 1
 *
 * Exits with 1 unless in every tempo exactly the weights in force were set, once per tempo and table.
 */
import { parseArgs } from "node:util";
import { create } from "@bufbuild/protobuf";
import { BLOCK_MS, TAO, World } from "../../adapters/chain/subtensor/world.test-support.js";
import { memoryState } from "../../adapters/state/memory-state.js";
import { epochIdOf } from "../../core/epoch-time.js";
import { ScoreTableSchema } from "../../gen/zipnet/v1/report_pb.js";
import { SettledTables } from "../../validator/weights/settled-tables.js";
import { keepWeightsSet } from "../../validator/weights/weights-loop.js";
import { type Fault, FAULTS } from "./week-faults.js";

const { values } = parseArgs({
  options: { days: { type: "string", default: "7" }, seed: { type: "string", default: "1" } },
});

const EPOCH_BLOCKS = 1_200;
const EPOCH_MS = EPOCH_BLOCKS * BLOCK_MS;
const TEMPO = 360;
/** Blocks from the end of one fault to the next, at most. */
const MOST_PEACE = 90;

/** Numbers from 0 up to a bound, the same ones for the same seed. */
function numbersOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A table's shares change from one to the next, so that a row tells which table it is from. */
function sharesOf(index: number) {
  const part = 1_000 + (index % 50) * 100;
  return [
    { hotkey: World.bob.hotkey, weightBps: 10_000 - part },
    { hotkey: World.alice.hotkey, weightBps: part },
  ];
}

const next = numbersOf(Number(values.seed));
const blocks = Math.round((Number(values.days) * 86_400_000) / BLOCK_MS);
const startMs = Date.UTC(2026, 10, 22);
const world = await World.open({ tempo: TEMPO, weightsRateLimit: 100 }, startMs);
world.node.enrol(World.alice.hotkey, 6_000n * TAO);
const tables = new SettledTables(EPOCH_MS);
const over = new AbortController();
const { chain, clock, log } = world;
const options = { chain, clock, log, signer: World.alice, state: memoryState(), tables, versionKey: 0n };
const validator = keepWeightsSet(options, over.signal);

const seen = new Map<string, number>();
let fault: Fault | undefined;
let changeAt = MOST_PEACE;
/** Every block that set a row; some of them are replaced later. */
const rows: { readonly number: number; readonly hash: string; readonly row: string }[] = [];

/** Notes what the newest block set. */
function note(): void {
  const { state, number, hash, transactions } = world.node.best;
  if (!transactions.some(({ signer }) => signer === World.alice.hotkey)) return;
  if (state.numbers("subtensorModule.lastUpdate", world.node.netuid)[0] !== number) return;
  rows.push({ number, hash, row: JSON.stringify(state.get("subtensorModule.weights", world.node.netuid, 0)) });
}

for (let made = 0; made < blocks; made += 1) {
  if (made % EPOCH_BLOCKS === 0) {
    // Judged two epochs late, so that it is in force from its epoch on.
    const index = made / EPOCH_BLOCKS;
    const epochId = epochIdOf(startMs + (index - 2) * EPOCH_MS);
    tables.add(create(ScoreTableSchema, { epochId, weights: sharesOf(index) }));
  }
  if (made === changeAt) {
    await fault?.end(world);
    fault = fault === undefined ? FAULTS[next(FAULTS.length)] : undefined;
    await fault?.begin(world);
    if (fault !== undefined) seen.set(fault.name, (seen.get(fault.name) ?? 0) + 1);
    changeAt += 1 + next(fault === undefined ? MOST_PEACE : fault.mostBlocks);
  }
  await world.step();
  note();
}
over.abort();
await fault?.end(world);
await world.step();
await validator;
await world.close();

const problems: string[] = [];
const tempos = Math.floor(blocks / TEMPO);
for (let tempo = 0; tempo < tempos; tempo += 1) {
  const set = rows
    .filter(({ number, hash }) => Math.floor(number / TEMPO) === tempo && world.node.block(number)?.hash === hash)
    .map(({ row }) => row);
  if (set.length === 0) problems.push(`no weights in tempo ${tempo}`);
  // Twice only where another table came into force.
  if (set.length > 2 || new Set(set).size !== set.length) problems.push(`tempo ${tempo}: ${set.join(" and ")}`);
}
const report = { days: values.days, seed: values.seed, tempos, faults: Object.fromEntries(seen), problems };
process.stdout.write(`${JSON.stringify(report, undefined, 1)}\n`);
if (problems.length > 0) process.exitCode = 1;
