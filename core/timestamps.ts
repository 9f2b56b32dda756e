import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";

/** A timestamp of a record in unix milliseconds; 0 when it is absent, which in a valid record a required one never is. */
export function millisOf(timestamp: Timestamp | undefined): number {
  return timestamp === undefined ? 0 : timestampMs(timestamp);
}
