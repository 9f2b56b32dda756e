/**
 * How long one draw takes against a bare shuffle of the same catalogue, measured in turn in one run: `npm run bench`.
 * The ratio is what to quote; the times differ from machine to machine.
 */
import { encodeCatalogue } from "../core/catalogue.js";
import { drawZipCodes } from "../core/draw.js";
import { sha256Of } from "../core/hash.js";
import { randomSequence, shuffled } from "../core/random.js";
import { defaultRules } from "../core/rules.js";

const ZIP_CODES = 33_000;
const ROUNDS = 40;
const WARM_UP_ROUNDS = 5;

/** As many zip codes as there are in the US, with expectations spread as there: many small, few large. */
function syntheticCatalogue() {
  const random = randomSequence(sha256Of("zipnet bench catalogue"));
  const entries = Array.from({ length: ZIP_CODES }, (_, index) => ({
    zipCode: String(500 + index * 3).padStart(5, "0"),
    state: "PA",
    expectedListings: Math.floor(random.below(100) ** 2 / 60) + random.below(20),
    source: "bench",
    asOf: "2026-01-01",
  }));
  return encodeCatalogue(entries).catalogue;
}

function timeOf(work: () => unknown): number {
  const startMs = performance.now();
  work();
  return performance.now() - startMs;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function main(): void {
  const catalogue = syntheticCatalogue();
  const rules = defaultRules(14_400);
  const drawMs: number[] = [];
  const shuffleMs: number[] = [];
  for (let round = 0; round < ROUNDS + WARM_UP_ROUNDS; round += 1) {
    const seed = sha256Of(`round ${round}`);
    const draw = timeOf(() => drawZipCodes({ catalogue, rules, recentZipCodes: new Set(), seed }));
    const shuffle = timeOf(() => shuffled(catalogue.entries, randomSequence(seed)));
    if (round < WARM_UP_ROUNDS) continue;
    drawMs.push(draw);
    shuffleMs.push(shuffle);
  }
  const ratio = median(drawMs) / median(shuffleMs);
  process.stdout.write(
    `${ZIP_CODES} zip codes, ${ROUNDS} rounds: a draw takes ${ratio.toFixed(2)} times as long as a bare shuffle ` +
      `(medians ${median(drawMs).toFixed(1)} ms and ${median(shuffleMs).toFixed(1)} ms)\n`,
  );
}

main();
