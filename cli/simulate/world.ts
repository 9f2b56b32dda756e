/**
 * The simulated market: homes that are listed, change and leave. What it shows at a moment is a pure function of the seed
 * and the moment.
 */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { HomeType, type Listing, ListingSchema, ListingStatus } from "../../gen/zipnet/v1/listing_pb.js";
import { type Chance, chanceOf } from "./chance.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Before the first epoch, so that it begins among homes of every age. */
const RUN_IN_MS = 20 * DAY_MS;
/**
 * Mean time between two changes of one home: between a scraping and its check, about five hours on average, 5 percent of
 * the homes change.
 */
const CHANGE_MEAN_MS = 97 * HOUR_MS;
/** Of 100 changes so many are of the price, ... so many an accepted offer, ... a withdrawal that its page tells; the rest leave no page. */
const CHANGES = { price: 60, pending: 20, withdrawn: 14 } as const;

/** How a home stands from a moment on. */
interface State {
  readonly fromMs: number;
  readonly priceUsd: number;
  readonly priceChangedMs?: number;
  readonly status: ListingStatus;
  /** Searches show it. */
  readonly isListed: boolean;
  /** Its page is gone. */
  readonly isGone: boolean;
}

/** A home on the market. */
export interface Home {
  readonly id: string;
  readonly facts: Listing;
  /** Ascending; the last one takes it off the market. */
  readonly states: readonly State[];
}

/** A zip code of the market. */
export interface MarketZip {
  readonly zipCode: string;
  /** What the catalogue expects: near the truth, but not the truth. */
  readonly expectedListings: number;
  /** Places of homes, one listed at a time in each. */
  readonly slots: number;
}

/** The market. */
export class World {
  readonly zipCodes: readonly MarketZip[];
  private readonly homes = new Map<string, Home>();
  private readonly bySlot = new Map<string, Home[]>();

  /** @param listingsPerZip 4 to 1,000: the mean; zip codes hold half to one and a half of it. */
  constructor(
    private readonly seed: string,
    private readonly startMs: number,
    zipCodes: number,
    listingsPerZip: number,
  ) {
    this.zipCodes = Array.from({ length: zipCodes }, (_, index) => {
      const chance = chanceOf(seed, "zip", index);
      const slots = chance.between(Math.ceil(listingsPerZip / 2), Math.floor(listingsPerZip * 1.5));
      const expectedListings = Math.max(1, Math.round((slots * chance.between(85, 105)) / 100));
      return { zipCode: String(10_000 + index), slots, expectedListings };
    });
  }

  /** The homes that a search of a zip code shows at a moment, in the order in which it shows them. */
  listed(zip: MarketZip, timeMs: number): Home[] {
    const found: Home[] = [];
    for (let slot = 0; slot < zip.slots; slot += 1) {
      const home = this.homesOf(zip.zipCode, slot, timeMs).find((each) => stateAt(each, timeMs)?.isListed);
      if (home !== undefined) found.push(home);
    }
    return found;
  }

  /** A home by its id; undefined for one that never was. */
  home(id: string): Home | undefined {
    return this.homes.get(id);
  }

  private homesOf(zipCode: string, slot: number, timeMs: number): readonly Home[] {
    const key = `${zipCode}/${slot}`;
    const homes = this.bySlot.get(key) ?? [];
    this.bySlot.set(key, homes);
    let freeMs = homes.at(-1)?.states.at(-1)?.fromMs ?? this.startMs - RUN_IN_MS;
    while (freeMs <= timeMs) {
      const home = newHome(chanceOf(this.seed, "home", key, homes.length), zipCode, slot, homes.length, freeMs);
      homes.push(home);
      this.homes.set(home.id, home);
      freeMs = home.states.at(-1)?.fromMs ?? Infinity;
    }
    return homes;
  }
}

/** How a home stands at a moment; undefined before it was listed. */
function stateAt(home: Home, timeMs: number): State | undefined {
  return home.states.findLast((state) => state.fromMs <= timeMs);
}

/** The page of a home as somebody reads it at a moment, by a clock that is wrong by so much; undefined when there is none. */
export function pageOf(home: Home, timeMs: number, skewMs = 0): Listing | undefined {
  const state = stateAt(home, timeMs);
  if (state === undefined || state.isGone) return undefined;
  const { priceUsd, status, priceChangedMs } = state;
  const changed = priceChangedMs === undefined ? {} : { priceChangedTime: timestampFromMs(priceChangedMs) };
  return { ...home.facts, priceUsd, status, ...changed, scrapedTime: timestampFromMs(timeMs + skewMs) };
}

function newHome(chance: Chance, zipCode: string, slot: number, generation: number, freeMs: number): Home {
  const id = String((Number(zipCode) * 1_000 + slot) * 1_000 + generation);
  const facts = factsOf(chance, id, zipCode);
  const listedMs = freeMs + chance.below(DAY_MS);
  const first: State = {
    fromMs: listedMs,
    priceUsd: facts.priceUsd,
    status: ListingStatus.FOR_SALE,
    isListed: true,
    isGone: false,
  };
  const states = [first];
  for (let state = first; state.isListed; states.push(state)) state = nextState(chance, state);
  return { id, facts, states };
}

function nextState(chance: Chance, before: State): State {
  const fromMs = before.fromMs + chance.waiting(CHANGE_MEAN_MS);
  const kind = chance.below(100);
  if (kind < CHANGES.price) {
    const priceUsd = Math.max(1, Math.round((before.priceUsd * chance.between(900, 1_030)) / 1_000));
    // Half of the changes are told by the day alone, as sources do.
    const priceChangedMs = chance.below(2) === 0 ? fromMs - (fromMs % 1_000) : fromMs - (fromMs % DAY_MS);
    return { ...before, fromMs, priceUsd, priceChangedMs };
  }
  if (kind < CHANGES.price + CHANGES.pending) return { ...before, fromMs, status: ListingStatus.PENDING };
  const isGone = kind >= CHANGES.price + CHANGES.pending + CHANGES.withdrawn;
  return { ...before, fromMs, status: ListingStatus.OFF_MARKET, isListed: false, isGone };
}

const STREETS = ["Pine St", "Oak Ave", "Maple Dr", "Cedar Ln", "Elm St", "Lake Rd", "Hill Ct", "Park Way"];

/** What stays the same of a home; also what somebody writes who makes one up. */
export function factsOf(chance: Chance, id: string, zipCode: string): Listing {
  const isHouse = chance.below(3) > 0;
  return create(ListingSchema, {
    listingId: id,
    url: `https://listings.example/homedetails/${id}_zpid/`,
    zipCode,
    streetAddress: `${chance.between(1, 9_999)} ${STREETS[chance.below(STREETS.length)]}`,
    city: "Springfield",
    state: "WA",
    status: ListingStatus.FOR_SALE,
    homeType: isHouse ? HomeType.SINGLE_FAMILY : HomeType.CONDO,
    priceUsd: chance.between(150, 1_500) * 1_000,
    bedrooms: chance.between(1, 6),
    bathrooms: chance.between(2, 10) / 2,
    livingAreaSqft: chance.between(500, 4_000),
    ...(isHouse ? { lotAreaSqft: chance.between(2_000, 20_000) } : {}),
    latitude: 47 + chance.below(1_000_000) / 1_000_000,
    longitude: -122 - chance.below(1_000_000) / 1_000_000,
    brokerName: `Broker ${chance.below(40)}`,
  });
}
