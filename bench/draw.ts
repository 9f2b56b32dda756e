/**
 * How long one draw takes against a bare shuffle of the same entries, measured in turn in one run: `npm run bench:draw`.
 * The ratio is what to quote; the times differ from machine to machine.
 */
import { drawZipCodes } from "../core/draw/draw.js";
import { drawPool } from "../core/draw/pool.js";
import { sha256Of } from "../core/hash.js";
import { randomSequence, shuffled } from "../core/random.js";
import { defaultRules } from "../core/rules.js";
import { benchCatalogue } from "./catalogue.js";

const ROUNDS = 40;
const WARM_UP_ROUNDS = 5;
const AIM = 3;

function timeOf(work: () => unknown): number {
  const startMs = performance.now();
  work();
  return performance.now() - startMs;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function main(): void {
  const { catalogue, kind } = benchCatalogue();
  const rules = defaultRules(14_400);
  const shared = drawPool(catalogue, rules);
  const [drawMs, nextMs, shuffleMs]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < ROUNDS + WARM_UP_ROUNDS; round += 1) {
    const input = { number: 1_000, lastDrawn: new Map<string, number>(), seed: sha256Of(`round ${round}`) };
    const draw = timeOf(() => drawZipCodes({ ...input, pool: drawPool(catalogue, rules) }));
    const next = timeOf(() => drawZipCodes({ ...input, pool: shared }));
    const shuffle = timeOf(() => shuffled(catalogue.entries, randomSequence(input.seed)));
    if (round < WARM_UP_ROUNDS) continue;
    drawMs.push(draw);
    nextMs.push(next);
    shuffleMs.push(shuffle);
  }
  const ratio = median(drawMs) / median(shuffleMs);
  const perSecond = (ms: readonly number[]): string => (1_000 / median(ms)).toFixed(0);
  process.stdout.write(
    `${catalogue.entries.length} ${kind} zip codes, target ${rules.targetListings}, ` +
      `${ROUNDS} rounds\n` +
      `  ${perSecond(drawMs)} draws per second (median ${median(drawMs).toFixed(2)} ms), ` +
      `${perSecond(nextMs)} where they share a pool, as in a simulation (${median(nextMs).toFixed(2)} ms)\n` +
      `  a draw takes ${ratio.toFixed(2)} times as long as a bare shuffle (${median(shuffleMs).toFixed(2)} ms); ` +
      `aim at most ${AIM}: ${ratio <= AIM ? "met" : "NOT MET"}\n`,
  );
}

main();
