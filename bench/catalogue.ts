/** The catalogue that benches of the draw use: the zip codes of the US where their file is there, else made-up ones. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { encodeCatalogue } from "../core/catalogue.js";
import { sha256Of } from "../core/hash.js";
import { randomSequence } from "../core/random.js";
import type { Catalogue } from "../gen/zipnet/v1/epoch_pb.js";

const SYNTHETIC_ZIP_CODES = 33_000;
/** Listings on the market per million housing units. */
const LISTINGS_PPM = 7_900;

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

/** The catalogue, and what to call its zip codes: "real" or "synthetic". */
export function benchCatalogue(): { catalogue: Catalogue; kind: string } {
  return existsSync(ZIP_SEED)
    ? { catalogue: seedCatalogue(), kind: "real" }
    : { catalogue: syntheticCatalogue(), kind: "synthetic" };
}
