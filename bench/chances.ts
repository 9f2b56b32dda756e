/**
 * What the band does to the chances of zip codes, and what choosing among several draws gains: the tables of
 * docs/selection.md. `npm run bench:chances`; it takes some minutes, and the same catalogue gives the same tables.
 */
import { drawZipCodes } from "../core/draw/draw.js";
import { type DrawPool, drawPool } from "../core/draw/pool.js";
import { sha256Of } from "../core/hash.js";
import { defaultRules } from "../core/rules.js";
import type { CatalogueEntry } from "../gen/zipnet/v1/epoch_pb.js";
import { benchCatalogue } from "./catalogue.js";

const DRAWS = 5_000;
const TOLERANCES_BPS = [1_000, 500, 200, 100, 50, 10, 1];
/** Sizes up to each of these form a class. */
const CLASSES = [20, 50, 100, 200, 400];
const TRIES = [1, 2, 10, 100, 1_000];
/** Parts of the pool, in percent of its listings, that someone has ready. */
const READY_PERCENTS = [5, 10, 25];

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function drawsOf(pool: DrawPool) {
  return Array.from({ length: DRAWS }, (_, i) => {
    const result = drawZipCodes({ pool, number: 0, lastDrawn: new Map(), seed: sha256Of(`chances ${i}`) });
    if (!result.ok) throw new Error(result.explain());
    return result;
  });
}

function classOf({ expectedListings }: CatalogueEntry): number {
  return CLASSES.findIndex((most) => expectedListings <= most);
}

/** Chance of the zip codes of every class against the average chance. */
function chancesTable(): string[] {
  const { catalogue } = benchCatalogue();
  return TOLERANCES_BPS.map((toleranceBps) => {
    const pool = drawPool(catalogue, { ...defaultRules(14_400), toleranceBps });
    const draws = drawsOf(pool);
    const average = mean(draws.map(({ zipCodes }) => zipCodes.length)) / pool.allowed.length;
    const chances = CLASSES.map((_, i) => {
      const ofPool = pool.allowed.filter((entry) => classOf(entry) === i).length;
      const drawn = draws.reduce((sum, draw) => sum + draw.zipCodes.filter((entry) => classOf(entry) === i).length, 0);
      return (drawn / DRAWS / ofPool / average).toFixed(3);
    });
    const attempts = mean(draws.map((draw) => draw.attempts)).toFixed(2);
    const sum = mean(draws.map((draw) => draw.expectedListings)).toFixed(0);
    return `| ${toleranceBps / 100} % | ${attempts} | ${sum} | ${chances.join(" | ")} |`;
  });
}

/** Ready part of an epoch when the best of several draws can be taken. */
function triesTable(): string[] {
  const pool = drawPool(benchCatalogue().catalogue, defaultRules(14_400));
  const draws = drawsOf(pool);
  const total = pool.allowed.reduce((sum, entry) => sum + entry.expectedListings, 0);
  const bySize = pool.allowed.toSorted((a, b) => b.expectedListings - a.expectedListings);
  return READY_PERCENTS.map((percent) => {
    const ready = new Set<CatalogueEntry>();
    for (let kept = 0, i = 0; kept * 100 < total * percent; i += 1) {
      const entry = bySize[i] as CatalogueEntry;
      ready.add(entry);
      kept += entry.expectedListings;
    }
    const parts = draws.map(({ zipCodes, expectedListings }) => {
      const listings = zipCodes.reduce((sum, entry) => sum + (ready.has(entry) ? entry.expectedListings : 0), 0);
      return (100 * listings) / expectedListings;
    });
    const best = TRIES.map((tries) => {
      const groups = Array.from({ length: Math.floor(DRAWS / tries) }, (_, i) =>
        Math.max(...parts.slice(i * tries, (i + 1) * tries)),
      );
      return `${mean(groups).toFixed(1)} %`;
    });
    const average = mean(parts);
    const deviation = Math.sqrt(mean(parts.map((part) => (part - average) ** 2)));
    return `| ${percent} % | ${deviation.toFixed(2)} | ${best.join(" | ")} | ${(average + 4.86 * deviation).toFixed(0)} % |`;
  });
}

process.stdout.write(
  `chances by tolerance\n${chancesTable().join("\n")}\n\nbest of tries\n${triesTable().join("\n")}\n`,
);
