/**
 * One catalogue from several files that know different things: of each zip code the best file's expectation, and from
 * wherever it is known where the zip code is.
 */
import { type MessageInitShape, create } from "@bufbuild/protobuf";
import { type CatalogueEntry, CatalogueEntrySchema } from "../gen/zipnet/v1/epoch_pb.js";
import { withLearned } from "./calibration/renewed-import.js";

/** Where a zip code is, as far as somebody says. Empty text says nothing. */
export interface PlaceFacts {
  /** Two capital letters. */
  readonly state?: string | undefined;
  /** County name or FIPS code. */
  readonly county?: string | undefined;
  /** Name of the post office's place. */
  readonly place?: string | undefined;
  readonly position?: Position | undefined;
}

/** A position in millionths of a degree, north and east positive. */
export interface Position {
  readonly latitudeMicrodegrees: number;
  readonly longitudeMicrodegrees: number;
}

/** What one file says of one zip code. */
export interface Estimate {
  /** Five digits. */
  readonly zipCode: string;
  /** Listings on the market at one time. 0 to 1,000,000. */
  readonly expectedListings: number;
  /** As in CatalogueEntry. */
  readonly source: string;
  /** Day that the expectation describes, "2026-08-01". */
  readonly asOf: string;
  /** The file itself warns of the figure: it counts only where no other file has one. */
  readonly isDoubtful: boolean;
  readonly place: PlaceFacts;
  /** The whole entry, where the file is a catalogue: kept as it is, with all that it has learned. */
  readonly entry?: CatalogueEntry;
}

/** What one file says. */
export interface Layer {
  readonly name: string;
  /** By zip code. */
  readonly estimates: ReadonlyMap<string, Estimate>;
  /** Its word on places goes before the general table of places; it was written for this purpose. */
  readonly isAuthorityOnPlaces: boolean;
}

/** A zip code that some file expects listings in, but of which something is not known by anybody. */
interface IncompleteEstimate {
  /** Name of the layer whose expectation is left out. */
  readonly layer: string;
  readonly zipCode: string;
  readonly missing: "state" | "position";
}

/** Layers put together. */
export interface LayeredCatalogue {
  /** In no particular order; at most one per zip code. */
  readonly entries: readonly CatalogueEntry[];
  /** Zip codes whose expectation is this layer's, layer by layer. */
  readonly counts: readonly number[];
  /** Left out. */
  readonly incomplete: readonly IncompleteEstimate[];
}

/**
 * Puts layers together, best first: a zip code's expectation, source and day are those of the first layer that has it
 * without doubt, else of the first that has it at all. `placeOf` is the general table of places. Where a zip code is
 * gets known field by field: from layers that are authorities, then from the table, then from the others. What a
 * catalogue has learned of a zip code from epochs stays, also where another layer's expectation replaces the imported.
 */
export function mergeLayers(
  layers: readonly Layer[],
  placeOf: (zipCode: string) => PlaceFacts | undefined,
): LayeredCatalogue {
  const authorities = layers.filter((layer) => layer.isAuthorityOnPlaces);
  const others = layers.filter((layer) => !layer.isAuthorityOnPlaces);
  const counts = layers.map(() => 0);
  const presentEpoch = newestLearnedFrom(layers);
  const entries: CatalogueEntry[] = [];
  const incomplete: IncompleteEstimate[] = [];
  for (const zipCode of new Set(layers.flatMap(({ estimates }) => [...estimates.keys()]))) {
    const index = bestLayer(layers, zipCode);
    const layer = layers[index];
    const estimate = layer?.estimates.get(zipCode);
    if (layer === undefined || estimate === undefined) continue;
    const told = (of: readonly Layer[]): (PlaceFacts | undefined)[] =>
      of.map(({ estimates }) => estimates.get(zipCode)?.place);
    const place = placeFrom([...told(authorities), placeOf(zipCode), ...told(others)]);
    const made = estimate.entry ?? entryOf(estimate, place);
    if (typeof made === "string") {
      incomplete.push({ layer: layer.name, zipCode, missing: made });
    } else {
      const older = estimate.entry === undefined ? learnedEntry(layers, zipCode) : undefined;
      entries.push(older === undefined ? made : withLearned(made, older, presentEpoch));
      counts[index] = (counts[index] ?? 0) + 1;
    }
  }
  return { entries, counts, incomplete };
}

function bestLayer(layers: readonly Layer[], zipCode: string): number {
  const certain = layers.findIndex(({ estimates }) => estimates.get(zipCode)?.isDoubtful === false);
  return certain >= 0 ? certain : layers.findIndex(({ estimates }) => estimates.has(zipCode));
}

/** The best layer's entry that has learned something of a zip code from epochs. */
function learnedEntry(layers: readonly Layer[], zipCode: string): CatalogueEntry | undefined {
  const entries = layers.map(({ estimates }) => estimates.get(zipCode)?.entry);
  return entries.find((entry) => entry?.calibration !== undefined);
}

/** Number of the newest epoch that any catalogue among the layers has learned from: by it what was learned has aged. */
function newestLearnedFrom(layers: readonly Layer[]): number {
  let newest = 0;
  for (const { estimates } of layers) {
    for (const { entry } of estimates.values()) newest = Math.max(newest, entry?.calibration?.lastEpochNumber ?? 0);
  }
  return newest;
}

/** Of each fact the first that somebody knows. */
function placeFrom(facts: readonly (PlaceFacts | undefined)[]): PlaceFacts {
  const first = <K extends keyof PlaceFacts>(name: K): PlaceFacts[K] =>
    facts.find((known) => known?.[name] !== undefined && known[name] !== "")?.[name];
  return { state: first("state"), county: first("county"), place: first("place"), position: first("position") };
}

function entryOf(estimate: Estimate, place: PlaceFacts): CatalogueEntry | IncompleteEstimate["missing"] {
  const { zipCode, expectedListings, source, asOf } = estimate;
  const { state, county = "", place: name = "", position } = place;
  if (state === undefined) return "state";
  if (position === undefined) return "position";
  const entry: MessageInitShape<typeof CatalogueEntrySchema> = {
    zipCode,
    state,
    county,
    place: name,
    ...position,
    expectedListings,
    source,
    asOf,
  };
  return create(CatalogueEntrySchema, entry);
}
