/**
 * A listing source that makes its listings up: every field plausible, nothing true. It exists so that demos and tests
 * can show what judging does with somebody who invents.
 */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { sha256Of } from "../../../core/hash.js";
import type { Clock, ListingSource, LookUp, SearchPage } from "../../../core/ports.js";
import { randomSequence } from "../../../core/random.js";
import type { RandomSequence } from "../../../core/random.js";
import { HomeType, ListingSchema, ListingStatus } from "../../../gen/zipnet/v1/listing_pb.js";
import type { Listing } from "../../../gen/zipnet/v1/listing_pb.js";

const PAGE_SIZE = 41;
const STREETS = ["Elm St", "Main St", "Oak Ave", "Park Rd", "2nd Ave", "Lake Dr", "Hill Ct", "Maple Ln"];
const TYPES = [HomeType.SINGLE_FAMILY, HomeType.CONDO, HomeType.TOWNHOUSE];

/** What the source needs. */
export interface InventedOptions {
  /** Where the addresses of the made-up listings point. */
  readonly origin: string;
  readonly clock: Clock;
  /** The same seed makes the same listings. */
  readonly seed: string;
}

/** A source of made-up listings: 20 to 119 per zip code. */
export function inventedSource({ origin, clock, seed }: InventedOptions): ListingSource {
  function inventAll(zipCode: string): Listing[] {
    const count = 20 + randomSequence(sha256Of(`zipnet-invented\n${seed}\n${zipCode}`)).below(100);
    return Array.from({ length: count }, (_, index) => {
      // Eleven digits: shorter than the ids of this project's own site, so that none of them names a home there.
      const core = `1${zipCode}${String(index).padStart(3, "0")}`;
      return invent(core + checkDigits(seed, core), zipCode);
    });
  }

  function invent(listingId: string, zipCode: string): Listing {
    const random = randomSequence(sha256Of(`zipnet-invented\n${seed}\n${listingId}`));
    const bedrooms = 1 + random.below(5);
    const livingAreaSqft = 500 + bedrooms * 300 + random.below(800);
    return create(ListingSchema, {
      listingId,
      url: `${origin}/homedetails/${listingId}_zpid/`,
      zipCode,
      streetAddress: `${1 + random.below(9_999)} ${oneOf(STREETS, random)}`,
      city: "Springfield",
      state: "IL",
      status: ListingStatus.FOR_SALE,
      homeType: oneOf(TYPES, random),
      priceUsd: livingAreaSqft * (100 + random.below(300)),
      bedrooms,
      bathrooms: 1 + random.below(7) / 2,
      livingAreaSqft,
      lotAreaSqft: livingAreaSqft * 2 + random.below(9_000),
      latitude: 39.5 + random.below(1_000) / 1_000,
      longitude: -89.5 + random.below(1_000) / 1_000,
      daysOnMarket: random.below(120),
      scrapedTime: timestampFromMs(clock.now()),
    });
  }

  return {
    name: "invented",

    async *search(zipCode, signal): AsyncIterable<SearchPage> {
      if (!/^\d{5}$/.test(zipCode)) throw new RangeError(`The zip code is "${zipCode}", but must be five digits.`);
      const all = inventAll(zipCode);
      const pageCount = Math.ceil(all.length / PAGE_SIZE);
      for (let pageNumber = 1; pageNumber <= pageCount; pageNumber += 1) {
        signal.throwIfAborted();
        const listings = all.slice((pageNumber - 1) * PAGE_SIZE, pageNumber * PAGE_SIZE);
        yield { pageNumber, pageCount, resultCount: all.length, listings };
      }
    },

    async lookUp(listingId, signal): Promise<LookUp> {
      signal.throwIfAborted();
      const url = `${origin}/homedetails/${encodeURIComponent(listingId)}_zpid/`;
      const seen = { url, fetchedTimeMs: clock.now() };
      const zipCode = /^1(\d{5})\d{5}$/.exec(listingId)?.[1];
      const listing =
        zipCode === undefined ? undefined : inventAll(zipCode).find((known) => known.listingId === listingId);
      return listing === undefined
        ? { ...seen, httpStatus: 404, pageSha256: "", outcome: "absent" }
        : { ...seen, httpStatus: 200, pageSha256: "", outcome: "found", listing };
    },
  };
}

function checkDigits(seed: string, core: string): string {
  const random = randomSequence(sha256Of(`zipnet-invented-id\n${seed}\n${core}`));
  return String(random.below(100)).padStart(2, "0");
}

function oneOf<T>(items: readonly T[], random: RandomSequence): T {
  return items[random.below(items.length)] as T;
}
