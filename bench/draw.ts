/**
 * How long one draw takes against a bare shuffle of the same entries, measured in turn in one run: `npm run bench:draw`.
 * The ratio is what to quote; the times differ from machine to machine.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { encodeCatalogue } from "../core/catalogue.js";
import { drawZipCodes } from "../core/draw/draw.js";
import { drawPool } from "../core/draw/pool.js";
import { sha256Of } from "../core/hash.js";
import { randomSequence, shuffled } from "../core/random.js";
import { defaultRules } from "../core/rules.js";
import type { Catalogue } from "../gen/zipnet/v1/epoch_pb.js";

const ROUNDS = 40;
const WARM_UP_ROUNDS = 5;
const SYNTHETIC_ZIP_CODES = 33_000;
/** Listings on the market per million housing units. */
const LISTINGS_PPM = 7_900;
const AIM = 3;

/** Zip codes of the US with their housing units; see its README. It may be missing. */
const ZIP_SEED = fileURLToPath(new URL("../../shared/data/zip_seed.csv", import.meta.url));

/** The zip codes of the file, each with the listings that its housing units let expect. */
function seedCatalogue(): Catalogue {
  const [, ...lines] = readFileSync(ZIP_SEED, "utf8").trim().split("\n");
  const entries = lines.map((line) => {
    const fields = line.split(",");
    const expectedListings = Math.round((Number(fields.at(-1)) * LISTINGS_PPM) / 1_000_000);
    return { zipCode: fields[0] ?? "", state: fields[1] ?? "", expectedListings, source: "census", asOf: "2010-04-01" };
  });
  return encodeCatalogue(entries).catalogue;
}

/** As many zip codes as there are in the US, with expectations spread as there: many small, few large. */
function syntheticCatalogue(): Catalogue {
  const random = randomSequence(sha256Of("zipnet bench catalogue"));
  const entries = Array.from({ length: SYNTHETIC_ZIP_CODES }, (_, index) => ({
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
  const isThere = existsSync(ZIP_SEED);
  const catalogue = isThere ? seedCatalogue() : syntheticCatalogue();
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
    `${catalogue.entries.length} ${isThere ? "real" : "synthetic"} zip codes, target ${rules.targetListings}, ` +
      `${ROUNDS} rounds\n` +
      `  ${perSecond(drawMs)} draws per second (median ${median(drawMs).toFixed(2)} ms), ` +
      `${perSecond(nextMs)} where they share a pool, as in a simulation (${median(nextMs).toFixed(2)} ms)\n` +
      `  a draw takes ${ratio.toFixed(2)} times as long as a bare shuffle (${median(shuffleMs).toFixed(2)} ms); ` +
      `aim at most ${AIM}: ${ratio <= AIM ? "met" : "NOT MET"}\n`,
  );
}

main();
