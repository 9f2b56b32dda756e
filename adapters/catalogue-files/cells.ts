/**
 * What the cells of public files hold, with the ways in which spreadsheets and exports spoil them.
 */
import type { Position } from "../../core/catalogue-layers.js";

/** Five digits; spreadsheets drop leading zeros and add decimals: "2138" and "2138.0" are 02138. */
export function zipCodeOf(text: string): string | undefined {
  const digits = /^(\d{3,5})(\.0+)?$/.exec(text)?.[1];
  return digits?.padStart(5, "0");
}

/** A whole number from 0 to 999,999, also written as "24.0". */
export function countOf(text: string): number | undefined {
  return /^\d{1,6}(\.0+)?$/.test(text) ? Number(text) : undefined;
}

/** Two capital letters, also from small ones. */
export function stateOf(text: string): string | undefined {
  return /^[A-Za-z]{2}$/.test(text) ? text.toUpperCase() : undefined;
}

/** Degrees in millionths, rounded; the limit is in degrees. */
export function microdegreesOf(text: string, limit: number): number | undefined {
  const degrees = /^-?\d{1,3}(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  return Math.abs(degrees) <= limit ? Math.round(degrees * 1_000_000) : undefined;
}

/** A position from degrees; undefined where one of them is none. */
export function positionOf(latitude: string, longitude: string): Position | undefined {
  const latitudeMicrodegrees = microdegreesOf(latitude, 90);
  const longitudeMicrodegrees = microdegreesOf(longitude, 180);
  if (latitudeMicrodegrees === undefined || longitudeMicrodegrees === undefined) return undefined;
  return { latitudeMicrodegrees, longitudeMicrodegrees };
}

/** A day of the calendar, "2026-08-01"; a time of day after it is dropped. */
export function dayOf(text: string): string | undefined {
  const day = /^(\d{4}-\d{2}-\d{2})([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?Z?)?$/.exec(text)?.[1];
  if (day === undefined) return undefined;
  const timeMs = Date.parse(day);
  return !Number.isNaN(timeMs) && new Date(timeMs).toISOString().startsWith(day) ? day : undefined;
}

/** At most as long as a catalogue's names may be. */
export function nameOf(text: string): string {
  return text.slice(0, 100);
}
