/**
 * What a catalogue of zip codes would say of the site's homes.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CatalogueEntrySchema } from "../../../gen/zipnet/v1/epoch_pb.js";
import type { Homes } from "./home.js";
import { placeOf } from "./place-of.js";

/** Entries for zip codes as of a time (unix milliseconds); expected_listings is the number of homes then on the market. */
export function siteCatalogueEntries(
  homes: Homes,
  zipCodes: readonly string[],
  timeMs: number,
): MessageInitShape<typeof CatalogueEntrySchema>[] {
  return zipCodes.map((zipCode) => {
    const place = placeOf(zipCode);
    return {
      zipCode,
      state: place.state,
      county: "",
      place: place.city,
      latitudeMicrodegrees: Math.round(place.latitude * 1_000_000),
      longitudeMicrodegrees: Math.round(place.longitude * 1_000_000),
      expectedListings: homes.countOnMarket(zipCode, timeMs),
      source: "site",
      asOf: new Date(timeMs).toISOString().slice(0, 10),
    };
  });
}
