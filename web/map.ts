/**
 * A map of dots: where the epoch's zip codes lie, to scale, north up. No coast lines; the states' names say where.
 */
import type { AssignedZipCode } from "../gen/zipnet/v1/epoch_pb.js";
import { type Html, html } from "./html.js";
import type { Spot } from "./view.js";

const WIDTH = 640;
const HEIGHT = 360;
const MARGIN = 16;
/** The map never zooms in further than this, so that one zip code does not fill it. */
const LEAST_SPAN_DEGREES = 0.2;

/** A dot on the map. */
export interface Dot {
  readonly zipCode: AssignedZipCode;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

/** Places the zip codes that have a position: equirectangular, true at the middle latitude, fitted to the frame. */
export function placeDots(zipCodes: readonly AssignedZipCode[], spots: ReadonlyMap<string, Spot>): Dot[] {
  const placed = zipCodes.flatMap((zipCode) => {
    const spot = spots.get(zipCode.zipCode);
    return spot === undefined ? [] : [{ zipCode, spot }];
  });
  if (placed.length === 0) return [];
  const latitudes = placed.map(({ spot }) => spot.latitude);
  const longitudes = placed.map(({ spot }) => spot.longitude);
  const middle = (values: readonly number[]): number => (Math.min(...values) + Math.max(...values)) / 2;
  const span = (values: readonly number[]): number =>
    Math.max(LEAST_SPAN_DEGREES, Math.max(...values) - Math.min(...values));
  const [middleLatitude, middleLongitude] = [middle(latitudes), middle(longitudes)];
  const squeeze = Math.cos((middleLatitude * Math.PI) / 180);
  const scale = Math.min((WIDTH - 2 * MARGIN) / (span(longitudes) * squeeze), (HEIGHT - 2 * MARGIN) / span(latitudes));
  const round = (value: number): number => Math.round(value * 10) / 10;
  return placed.map(({ zipCode, spot }) => ({
    zipCode,
    x: round(WIDTH / 2 + (spot.longitude - middleLongitude) * squeeze * scale),
    y: round(HEIGHT / 2 - (spot.latitude - middleLatitude) * scale),
    radius: round(Math.min(9, 2.5 + Math.sqrt(zipCode.expectedListings) / 4)),
  }));
}

/** The map, or nothing where no position is known. */
export function renderMap(zipCodes: readonly AssignedZipCode[], spots: ReadonlyMap<string, Spot>): Html | undefined {
  const dots = placeDots(zipCodes, spots);
  if (dots.length === 0) return undefined;
  return html`<svg class="map" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Where the zip codes lie">
    ${dots.map(
      ({ zipCode, x, y, radius }) =>
        html`<circle cx="${x}" cy="${y}" r="${radius}"
          ><title>
            ${zipCode.zipCode} ${zipCode.place} ${zipCode.state}: ${zipCode.expectedListings} listings
          </title></circle
        > `,
    )}
  </svg>`;
}
