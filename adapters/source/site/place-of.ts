/**
 * Where a zip code lies: exact for the built-in places, plausible for every other five digits.
 */
import { PLACES_TEXT, STATES_BY_PREFIX_TEXT } from "./places.js";

/** A zip code's place. Degrees, north and east positive. */
export interface Place {
  readonly zipCode: string;
  readonly state: string;
  readonly city: string;
  readonly latitude: number;
  readonly longitude: number;
}

/** The built-in places, ascending by zip code. */
export const PLACES: readonly Place[] = PLACES_TEXT.trim()
  .split(/;\s*/)
  .map((text) => {
    const [zipCode = "", state = "", city = "", latitude, longitude] = text.split(",");
    return { zipCode, state, city, latitude: Number(latitude), longitude: Number(longitude) };
  });

const PLACE_BY_ZIP_CODE = new Map(PLACES.map((place) => [place.zipCode, place]));

const STATES_BY_PREFIX = STATES_BY_PREFIX_TEXT.split(" ").map((text) => ({
  fromPrefix: text.slice(0, 3),
  state: text.slice(3),
}));

/** The state whose zip codes begin as this one does. Two capital letters. */
export function stateOf(zipCode: string): string {
  const prefix = zipCode.slice(0, 3);
  return STATES_BY_PREFIX.findLast((range) => range.fromPrefix <= prefix)?.state ?? "NY";
}

/** The place of any five-digit zip code. Those that are not built in lie near the built-in one that is closest in number within the state. */
export function placeOf(zipCode: string): Place {
  const known = PLACE_BY_ZIP_CODE.get(zipCode);
  if (known !== undefined) return known;
  const state = stateOf(zipCode);
  const number = Number(zipCode);
  const near =
    closest(
      PLACES.filter((place) => place.state === state),
      (place) => Math.abs(Number(place.zipCode) - number),
    ) ?? closest(PLACES, (place) => Math.abs(Number(place.zipCode) - number));
  if (near === undefined) throw new Error("The built-in list of places is empty.");
  const apart = number - Number(near.zipCode);
  return {
    zipCode,
    state,
    city: near.city,
    latitude: near.latitude + ((apart * 7) % 40) / 400,
    longitude: near.longitude + ((apart * 11) % 40) / 400,
  };
}

/** The built-in place that is nearest to a position. */
export function nearestPlace(latitude: number, longitude: number): Place {
  const eastScale = Math.cos((latitude * Math.PI) / 180);
  const place = closest(PLACES, (candidate) =>
    Math.hypot(candidate.latitude - latitude, (candidate.longitude - longitude) * eastScale),
  );
  if (place === undefined) throw new Error("The built-in list of places is empty.");
  return place;
}

function closest(places: readonly Place[], distance: (place: Place) => number): Place | undefined {
  let best: Place | undefined;
  let bestDistance = Infinity;
  for (const place of places) {
    const placeDistance = distance(place);
    if (placeDistance < bestDistance) [best, bestDistance] = [place, placeDistance];
  }
  return best;
}
