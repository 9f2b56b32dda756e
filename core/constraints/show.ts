/** Values as a person reads them in a violation. */
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";

/** A value as a person reads it, at most 60 characters. */
export function show(value: unknown): string {
  if (value === undefined) return "missing";
  if (typeof value === "string") return value.length > 60 ? `"${value.slice(0, 59)}…"` : `"${value}"`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return String(value);
}

/** A moment as a person reads it. */
export function showTime(time: Timestamp): string {
  const timeMs = timestampMs(time);
  return Math.abs(timeMs) <= 8.64e15 ? new Date(timeMs).toISOString() : `${time.seconds} seconds`;
}

/** A whole number with commas between thousands. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}
