/**
 * Every key of the object store is made here. The layout under data/ is the one that DuckDB, Spark and Athena read
 * as partitions; records lie beside it.
 */

/** Key of a zip code's file of listings. */
export function dataKey(hotkey: string, epochId: string, zipCode: string, sha256: string): string {
  return `data/hotkey=${hotkey}/epoch=${epochId}/zipcode=${zipCode}/${sha256}.parquet`;
}

/** Prefix of a miner's files of an epoch. */
export function dataPrefix(hotkey: string, epochId: string): string {
  return `data/hotkey=${hotkey}/epoch=${epochId}/`;
}

/** Zip code and SHA-256 in the key of a file of listings; undefined for any other key. */
export function namesOfDataKey(key: string): { readonly zipCode: string; readonly sha256: string } | undefined {
  const [, zipCode, sha256] = /\/zipcode=(\d{5})\/([0-9a-f]{64})\.parquet$/.exec(key) ?? [];
  return zipCode === undefined || sha256 === undefined ? undefined : { zipCode, sha256 };
}

/** Content type of a file of listings. */
export const DATA_CONTENT_TYPE = "application/vnd.apache.parquet";

/** Content type of records and catalogues. */
export const RECORD_CONTENT_TYPE = "application/x-protobuf";

/** Prefix of all epoch records; their keys sort by time. */
export const EPOCH_PREFIX = "records/epoch/";

/** Key of an epoch's record. */
export function epochKey(epochId: string): string {
  return `${EPOCH_PREFIX}${epochId}.bin`;
}

/** The epoch id in the key of a record of which every epoch has at most one. */
export function epochIdOfKey(key: string): string {
  return key.slice(key.lastIndexOf("/") + 1, -".bin".length);
}

/** Key of a closed epoch's snapshot. */
export function snapshotKey(epochId: string): string {
  return `records/snapshot/${epochId}.bin`;
}

/** Key of the record that extends an epoch beyond its close. */
export function extensionKey(epochId: string): string {
  return `records/extension/${epochId}.bin`;
}

/** Key of a miner's manifest. Several may exist; the receipt names the one that counts. */
export function manifestKey(epochId: string, hotkey: string, manifestSha256: string): string {
  return `records/manifest/${epochId}/${hotkey}/${manifestSha256}.bin`;
}

/** Prefix of an epoch's receipts. */
export function receiptPrefix(epochId: string): string {
  return `records/receipt/${epochId}/`;
}

/** Key of a miner's receipt. */
export function receiptKey(epochId: string, hotkey: string): string {
  return `${receiptPrefix(epochId)}${hotkey}.bin`;
}

/** Prefix of an epoch's reports. */
export function reportPrefix(epochId: string): string {
  return `records/report/${epochId}/`;
}

/** Key of a validator's report. */
export function reportKey(epochId: string, validator: string): string {
  return `${reportPrefix(epochId)}${validator}.bin`;
}

/** Prefix of all choices of catalogues; their keys sort by time. */
export const CHOICE_PREFIX = "records/catalogue-choice/";

/** Key of the choice of the catalogue that an epoch is drawn from. */
export function choiceKey(epochId: string): string {
  return `${CHOICE_PREFIX}${epochId}.bin`;
}

/** Key of an epoch's settlement. */
export function settlementKey(epochId: string): string {
  return `records/settlement/${epochId}.bin`;
}

/** Key of a catalogue, named by its content. */
export function catalogueKey(sha256: string): string {
  return `catalogue/${sha256}.bin`;
}

/** Key of the object that says who has the store to itself. */
export const PRESENCE_KEY = "presence/server.bin";

/** Key of the object by which it is found out whether the store has conditional puts. Its content means nothing. */
export const PROBE_KEY = "presence/conditional-put.bin";

/** Prefix of what is written to find out what the store's service holds of a grant. Its objects mean nothing. */
export const TRIAL_PREFIX = "presence/trial/";
