/** Forms that many messages share. */
import { startMsOfEpochId } from "../epoch-time.js";
import { form, hex, integer, text, that } from "./combinators.js";

/** US zip code. */
export const zipCode = form(/^\d{5}$/, "be five digits");

/** State or territory. */
export const state = form(/^[A-Z]{2}$/, "be two capital letters");

/** Hotkey: the form of an SS58 address with prefix 42. Its checksum is checked where a signature is checked with it. */
export const hotkey = form(
  /^5[1-9A-HJ-NP-Za-km-z]{47}$/,
  "be an SS58 address with prefix 42 (48 characters, first a 5)",
);

/** Epoch id. */
export const epochId = that<string>(
  (value) => startMsOfEpochId(value) !== undefined,
  'be an epoch id such as "20261122T120000Z"',
);

/** Chain network. */
export const network = text(1, 32);

/** Subnet. */
export const netuid = integer(0, 65_535);

/** SHA-256. */
export const sha256 = hex(64);

/** MD5. */
export const md5 = hex(32);

/** Part of the whole. */
export const basisPoints = integer(0, 10_000);

/** Name of an algorithm's version. */
export const version = text(1, 100);

/** Bytes of one object. */
export const objectBytes = integer(1, 67_108_864);
