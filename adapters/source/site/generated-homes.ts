/**
 * Homes made up deterministically for any five-digit zip code: a pure function of zip code, seed and time.
 */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { utf8ToBytes, sha256Of } from "../../../core/hash.js";
import { randomSequence } from "../../../core/random.js";
import type { RandomSequence } from "../../../core/random.js";
import { HomeType, ListingSchema, ListingStatus } from "../../../gen/zipnet/v1/listing_pb.js";
import { DAY_MS, detailPath } from "./home.js";
import type { Home, Homes, PricePoint } from "./home.js";
import { generationAt, lifeOf } from "./life.js";
import type { Life, SlotPhase } from "./life.js";
import { placeOf, PLACES } from "./place-of.js";
import { pick, streetAddress } from "./street-names.js";

const MIN_SLOTS = 5;
const MAX_SLOTS = 600;
/** Median number of homes in a zip code, and the spread of its logarithm. */
const MEDIAN_SLOTS = 70;
const SPREAD = 0.9;
const PHASE_STEPS = 0x1_0000_0000;
/** Slots that three digits of an id can name. */
const SLOTS_PER_BLOCK = 1_000;
/** Homes that are kept so that one that is asked for again need not be made again. */
const KEPT_HOMES = 20_000;

const HOME_TYPES: readonly (readonly [HomeType, number])[] = [
  [HomeType.SINGLE_FAMILY, 620],
  [HomeType.CONDO, 140],
  [HomeType.TOWNHOUSE, 90],
  [HomeType.LOT, 70],
  [HomeType.MULTI_FAMILY, 45],
  [HomeType.MANUFACTURED, 35],
];
const BROKERS =
  "Anchor Realty;Blue Door Homes;Cardinal Properties;Copper Key Realty;First Light Real Estate;Granite & Co;Hearth Realty Group;Lantern Homes;Northgate Brokers;Old Mill Real Estate;Redwood Realty;Sextant Properties;Silver Gate Homes;Three Rivers Realty".split(
    ";",
  );

/** How homes are made up. */
export interface GeneratedHomesOptions {
  readonly seed: string;
  /**
   * Ten-thousandths of a zip code's homes to which something happens in an hour (six in ten change price, two leave
   * the market, two appear), 0 to 10,000; with 0 nothing ever changes.
   */
  readonly churnPerHourBps: number;
  /** Zip codes that have room for so many homes, 1 to 99,999, whatever the seed says. */
  readonly crowdedZipCodes?: ReadonlyMap<string, number>;
}

/** A stock of made-up homes. */
export function generatedHomes(options: GeneratedHomesOptions): Homes {
  const { seed, churnPerHourBps, crowdedZipCodes = new Map<string, number>() } = options;
  const kept = new Map<string, Home>();

  /** Ids name slots in blocks of a thousand. */
  function blocksOf(zipCode: string): number {
    return Math.ceil((crowdedZipCodes.get(zipCode) ?? SLOTS_PER_BLOCK) / SLOTS_PER_BLOCK);
  }

  function homeOf(zipCode: string, slot: number, life: Life, timeMs: number): Home {
    const { generation, priceChangeTimesMs } = life;
    const days = daysOnMarket(life, timeMs);
    const isGone = life.leftTimeMs <= timeMs;
    const key = `${zipCode} ${slot} ${generation} ${priceChangeTimesMs.length} ${days} ${isGone}`;
    const known = kept.get(key);
    if (known !== undefined) return known;
    if (kept.size >= KEPT_HOMES) kept.clear();
    const block = Math.floor(slot / SLOTS_PER_BLOCK);
    const idPrefix = generation * blocksOf(zipCode) + block + 1;
    const listingId = makeListingId(seed, zipCode, slot % SLOTS_PER_BLOCK, idPrefix);
    const home = makeHome({ seed, zipCode, slot, listingId }, life, timeMs);
    kept.set(key, home);
    return home;
  }

  /** One entry per slot; a slot holds one home after another. */
  function phasesOf(zipCode: string): SlotPhase[] {
    const random = sequence("slots", seed, zipCode);
    const usual = slotCount(random);
    return Array.from({ length: crowdedZipCodes.get(zipCode) ?? usual }, () => ({
      cycle: random.below(PHASE_STEPS) / PHASE_STEPS,
      price: random.below(PHASE_STEPS) / PHASE_STEPS,
    }));
  }

  function livesOnMarket(zipCode: string, timeMs: number): { slot: number; life: Life }[] {
    return phasesOf(zipCode).flatMap((phase, slot) => {
      const life = lifeOf(phase, generationAt(phase, churnPerHourBps, timeMs), churnPerHourBps, timeMs);
      return life === undefined || life.leftTimeMs <= timeMs ? [] : [{ slot, life }];
    });
  }

  return {
    zipCodes: () => PLACES.map((place) => place.zipCode),
    onMarket: (zipCode, timeMs, start, end) =>
      livesOnMarket(zipCode, timeMs)
        .slice(start, end)
        .map(({ slot, life }) => homeOf(zipCode, slot, life, timeMs)),
    countOnMarket: (zipCode, timeMs) => livesOnMarket(zipCode, timeMs).length,
    home(listingId, timeMs) {
      const named = readListingId(seed, listingId);
      if (named === undefined) return undefined;
      const blocks = blocksOf(named.zipCode);
      const slot = ((named.idPrefix - 1) % blocks) * SLOTS_PER_BLOCK + named.slotInBlock;
      const phase = phasesOf(named.zipCode)[slot];
      const life = phase && lifeOf(phase, Math.floor((named.idPrefix - 1) / blocks), churnPerHourBps, timeMs);
      return life && homeOf(named.zipCode, slot, life, timeMs);
    },
    neighbour: (zipCode) => String((Number(zipCode) + 1) % 100_000).padStart(5, "0"),
  };
}

/** How many homes a zip code has room for: roughly log-normal. */
function slotCount(random: RandomSequence): number {
  let normal = -6;
  for (let i = 0; i < 12; i += 1) normal += random.below(10_001) / 10_000;
  return Math.min(MAX_SLOTS, Math.max(MIN_SLOTS, Math.round(MEDIAN_SLOTS * Math.exp(SPREAD * normal))));
}

interface Plot {
  readonly seed: string;
  readonly zipCode: string;
  readonly slot: number;
  readonly listingId: string;
}

function makeHome({ seed, zipCode, slot, listingId }: Plot, life: Life, timeMs: number): Home {
  const random = sequence("home", seed, zipCode, String(slot), String(life.generation));
  const place = placeOf(zipCode);
  const homeType = weighted(HOME_TYPES, random);
  const gone = life.leftTimeMs <= timeMs;
  const size = sizeOf(homeType, random);
  const history = pricesOver(life, basePrice(seed, zipCode, homeType, size.livingAreaSqft ?? 0, random), random);
  const first = history[0] as PricePoint;
  const newest = history.at(-1) as PricePoint;
  const listing = create(ListingSchema, {
    listingId,
    url: detailPath(listingId),
    zipCode,
    streetAddress: streetAddress(random, homeType === HomeType.CONDO),
    city: place.city,
    state: place.state,
    status: gone ? goneStatus(random) : standing(random),
    homeType,
    priceUsd: newest.priceUsd,
    ...size,
    latitude: degrees(place.latitude + (random.below(6_001) - 3_000) / 100_000),
    longitude: degrees(place.longitude + (random.below(6_001) - 3_000) / 100_000),
    ...(random.below(100) < 92 && { taxAssessedValueUsd: Math.round(first.priceUsd * 0.008) * 100 }),
    ...(random.below(100) < 96 && { brokerName: pick(BROKERS, random) }),
    daysOnMarket: daysOnMarket(life, timeMs),
    ...(history.length > 1 && { priceChangedTime: timestampFromMs(newest.timeMs) }),
  });
  return { listing, priceHistory: history };
}

function daysOnMarket({ listedTimeMs, leftTimeMs }: Life, timeMs: number): number {
  return Math.max(0, Math.floor((Math.min(timeMs, leftTimeMs) - listedTimeMs) / DAY_MS));
}

function goneStatus(random: RandomSequence): ListingStatus {
  return random.below(100) < 80 ? ListingStatus.SOLD : ListingStatus.OFF_MARKET;
}

function standing(random: RandomSequence): ListingStatus {
  return random.below(100) < 95 ? ListingStatus.FOR_SALE : ListingStatus.PENDING;
}

/** Rooms and areas by the kind of home; a lot has no rooms. */
function sizeOf(
  homeType: HomeType,
  random: RandomSequence,
): { bedrooms?: number; bathrooms?: number; livingAreaSqft?: number; lotAreaSqft?: number } {
  // Both kinds of lots: some of a town's size, some of several acres.
  const lotAreaSqft = random.below(100) < 80 ? 2_000 + random.below(16_000) : 20_000 + random.below(600_000);
  if (homeType === HomeType.LOT) return { lotAreaSqft };
  const bedrooms = homeType === HomeType.MULTI_FAMILY ? 4 + random.below(6) : 1 + random.below(5);
  const bathrooms = 1 + random.below(bedrooms * 4) / 4;
  const livingAreaSqft = 380 + bedrooms * 310 + random.below(900);
  return homeType === HomeType.CONDO
    ? { bedrooms, bathrooms, livingAreaSqft }
    : { bedrooms, bathrooms, livingAreaSqft, lotAreaSqft };
}

function basePrice(seed: string, zipCode: string, homeType: HomeType, sqft: number, random: RandomSequence): number {
  const perSqft = 90 + sequence("level", seed, zipCode).below(520);
  const area = homeType === HomeType.LOT ? 400 + random.below(900) : sqft;
  return Math.max(1, Math.round((perSqft * area * (70 + random.below(61))) / 100 / 1_000)) * 1_000;
}

function pricesOver(life: Life, firstPriceUsd: number, random: RandomSequence): PricePoint[] {
  const history = [{ timeMs: life.listedTimeMs, priceUsd: firstPriceUsd }];
  let priceUsd = firstPriceUsd;
  // The sequence is its own, so that a later change never alters what was drawn before it.
  const changes = randomSequence(sha256Of("zipnet-site-prices\n", String(random.below(PHASE_STEPS))));
  for (const timeMs of life.priceChangeTimesMs) {
    const stepUsd = Math.max(100, Math.round((priceUsd * (1 + changes.below(5))) / 10_000) * 100);
    priceUsd = changes.below(100) < 75 && priceUsd > stepUsd * 2 ? priceUsd - stepUsd : priceUsd + stepUsd;
    history.push({ timeMs, priceUsd });
  }
  return history;
}

// Ids: (generation and block of slots, zip code, slot in its block) followed by three check digits, so that an id made
// up by somebody names a home only once in a thousand tries.

function makeListingId(seed: string, zipCode: string, slotInBlock: number, idPrefix: number): string {
  const core = String(idPrefix * 100_000_000 + Number(zipCode) * 1_000 + slotInBlock);
  return core + checkDigits(seed, core);
}

function readListingId(
  seed: string,
  listingId: string,
): { idPrefix: number; zipCode: string; slotInBlock: number } | undefined {
  const match = /^([1-9]\d{0,6})(\d{5})(\d{3})(\d{3})$/.exec(listingId);
  if (match === null) return undefined;
  const [, idPrefix = "", zipCode = "", slotInBlock = "", check] = match;
  if (check !== checkDigits(seed, idPrefix + zipCode + slotInBlock)) return undefined;
  return { idPrefix: Number(idPrefix), zipCode, slotInBlock: Number(slotInBlock) };
}

function checkDigits(seed: string, core: string): string {
  return String(sequence("id", seed, core).below(1_000)).padStart(3, "0");
}

function sequence(...names: readonly string[]): RandomSequence {
  return randomSequence(sha256Of(utf8ToBytes(JSON.stringify(["zipnet-site-v1", ...names]))));
}

function weighted<T>(items: readonly (readonly [T, number])[], random: RandomSequence): T {
  let left = random.below(items.reduce((sum, [, weight]) => sum + weight, 0));
  for (const [item, weight] of items) {
    if (left < weight) return item;
    left -= weight;
  }
  throw new Error("The weights of a choice do not add up.");
}

function degrees(value: number): number {
  return Math.round(value * 1_000_000) / 1_000_000;
}
