/** What the tests of object stores share. */
import { createHash } from "node:crypto";
import type { ObjectInfo, ObjectStore } from "../../core/ports.js";

/** A store to be tested, with whatever it takes to do so. */
export interface ObjectsUnderTest {
  readonly objects: ObjectStore;
  /** The same place, opened a second time. */
  readonly second: ObjectStore;
  /** The time by which grants expire, unix milliseconds. */
  now(): number;
  /** Lets the time pass until a moment. */
  passTime(untilMs: number): Promise<void>;
  /** HTTP statuses of altered uploads that this store answers otherwise than with 403, by what was altered. */
  readonly otherStatuses: Readonly<Record<string, number>>;
  /** Ends what was started for the test. */
  stop(): Promise<void>;
}

/** Text as bytes. */
export const text = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value);
/** MD5 of content, as ObjectInfo carries it. */
export const md5Of = (content: Uint8Array): string => createHash("md5").update(content).digest("hex");

/** Everything that a listing yields. */
export async function all(listing: AsyncIterable<ObjectInfo>): Promise<ObjectInfo[]> {
  const infos: ObjectInfo[] = [];
  for await (const info of listing) infos.push(info);
  return infos;
}
