/**
 * The ports: every way in which the world outside can answer, fail or surprise. Programs know only these; adapters/
 * holds the implementations, and each port's contract suite says what an implementation must keep.
 *
 * Times are unix milliseconds. Every method that waits takes a signal and rejects with its reason once it is aborted.
 * What is out of reach for the moment rejects with ZipnetError UNAVAILABLE.
 */
import type { Listing } from "../gen/zipnet/v1/listing_pb.js";
import type { FileFacts, RowContext } from "./judging/row-facts.js";

// ---------------------------------------------------------------------------------------------------------- clock

/** Time. */
export interface Clock {
  /** Now, in unix milliseconds. */
  now(): number;
  /** Resolves once now() has reached the moment; at once when it is past. Any distance is allowed. */
  sleepUntil(timeMs: number, signal: AbortSignal): Promise<void>;
}

// ------------------------------------------------------------------------------------------------------------ log

/** Where a program tells what it does. The first argument holds facts for programs, the second a sentence. */
export interface Log {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

// --------------------------------------------------------------------------------------------------------- wallet

/** A hotkey that can sign. */
export interface Signer {
  /** SS58 address, prefix 42. */
  readonly hotkey: string;
  /** sr25519 signature over the bytes, 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array;
}

/** A hotkey whose secret is here, for what its holder alone may know. */
export interface Wallet extends Signer {
  /** 32 secret bytes for a purpose: the same wherever this hotkey is held, and telling nothing of the hotkey's secret. */
  secretFor(purpose: string): Uint8Array;
}

/** Whether a signature is a hotkey's over the bytes. False for anything malformed; never throws. */
export type VerifySignature = (bytes: Uint8Array, signature: Uint8Array, hotkey: string) => boolean;

// ---------------------------------------------------------------------------------------------------------- chain

/** A finalized block. */
export interface Block {
  readonly number: number;
  /** 64 lower-case hexadecimal digits, without "0x". */
  readonly hash: string;
  /** As `hash`; zeros for block 0. */
  readonly parentHash: string;
  readonly timeMs: number;
}

/** Where a neuron can be reached. */
export interface Axon {
  /** IPv4 or IPv6 address. */
  readonly ip: string;
  /** 1 to 65,535. */
  readonly port: number;
}

/** A registered hotkey. u16 figures are parts of 65,535. */
export interface Neuron {
  readonly uid: number;
  readonly hotkey: string;
  readonly coldkey: string;
  readonly stakeRao: bigint;
  readonly validatorPermit: boolean;
  /** Block of its last setting of weights; 0 for never. */
  readonly lastUpdateBlock: number;
  readonly registeredBlock: number;
  readonly incentiveU16: number;
  readonly dividendsU16: number;
  readonly validatorTrustU16: number;
  readonly consensusU16: number;
  /** Its weights as the chain holds them, ascending by uid. Empty when it set none. */
  readonly weights: readonly UidWeight[];
  /** What it has announced; anybody can announce any address. */
  readonly axon?: Axon;
}

/** A weight as the chain takes and holds it. */
export interface UidWeight {
  readonly uid: number;
  /** 0 to 65,535. */
  readonly weightU16: number;
}

/** The subnet at one finalized block. */
export interface Metagraph {
  readonly block: Block;
  readonly network: string;
  readonly netuid: number;
  /** Blocks between two runs of the consensus. */
  readonly tempo: number;
  /** Block at which the consensus runs next. */
  readonly nextEpochBlock: number;
  readonly ownerHotkey: string;
  /** Blocks between two settings of weights by one validator. */
  readonly weightsRateLimit: number;
  readonly minAllowedWeights: number;
  readonly weightsVersionKey: bigint;
  /** Least stake in rao with which weights can be set. The owner needs none. */
  readonly minStakeRao: bigint;
  /** Epochs after which the chain opens weights that were sent sealed; 0 where they are sent openly. */
  readonly revealPeriodEpochs: number;
  /** Blocks without a setting of weights after which a validator counts no more; 0 for never. */
  readonly activityCutoff: number;
  /** Ascending by uid. */
  readonly neurons: readonly Neuron[];
}

/** The chain. */
export interface Chain {
  /** The newest finalized block. */
  finalizedBlock(signal: AbortSignal): Promise<Block>;
  /** A finalized block by number; undefined when it is not finalized yet. */
  block(number: number, signal: AbortSignal): Promise<Block | undefined>;
  /** Finalized blocks as they come, beginning with the newest. May skip numbers. Reconnects by itself; ends with the signal. */
  watchFinalized(signal: AbortSignal): AsyncIterable<Block>;
  /** The subnet at the newest finalized block. */
  metagraph(signal: AbortSignal): Promise<Metagraph>;
  /**
   * Sets the signer's weights; resolves with the block that holds them, once it is finalized. Where the subnet has
   * commit-reveal that is the block of the commit, and the chain sets them some epochs later. Rejects with
   * CHAIN_REJECTED where the chain says no, its own error name in metadata.chain_error (for example
   * "SettingWeightsTooFast").
   */
  setWeights(
    signer: Signer,
    weights: readonly UidWeight[],
    versionKey: bigint,
    signal: AbortSignal,
  ): Promise<{ readonly blockNumber: number }>;
  /** Announces where the signer can be reached; resolves and rejects as setWeights does. */
  serveAxon(signer: Signer, axon: Axon, signal: AbortSignal): Promise<{ readonly blockNumber: number }>;
}

// -------------------------------------------------------------------------------------------------------- objects

/** What the store knows of an object. */
export interface ObjectInfo {
  readonly key: string;
  readonly sizeBytes: number;
  /** MD5 of the content, 32 lower-case hexadecimal digits. */
  readonly md5: string;
}

/** An object that may be uploaded. */
export interface UploadPins {
  readonly key: string;
  readonly sizeBytes: number;
  /** 32 lower-case hexadecimal digits. */
  readonly md5: string;
  readonly contentType: string;
}

/** Leave to PUT. */
export interface UploadLeave {
  readonly url: string;
  /** Headers that the PUT must carry, exactly; names in lower case. content-length is left to the HTTP client. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

/**
 * The object store: durable truth. Objects are written once and never changed, but by replace. Keys are 1 to 512 characters of
 * A-Z a-z 0-9 = - _ . / with no empty, "." or ".." segment; anything else throws a RangeError.
 */
export interface ObjectStore {
  /**
   * Writes an object unless its key is taken; whether it was written. Durable once resolved. When it rejects, by the
   * signal or otherwise, the object may have been written all the same.
   */
  putIfAbsent(key: string, content: Uint8Array, contentType: string, signal?: AbortSignal): Promise<boolean>;
  /** Whether putIfAbsent keeps its word when several write one key at a time. Found out by writing an object for it. */
  hasConditionalPuts(): Promise<boolean>;
  /** Writes an object whether its key is taken or not. Never for records. */
  replace(key: string, content: Uint8Array, contentType: string): Promise<void>;
  /** An object's content; undefined when there is none. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** What the store knows of an object; undefined when there is none. */
  head(key: string): Promise<ObjectInfo | undefined>;
  /** Objects under a prefix, ascending by key, those after `afterKey` where given. */
  list(prefix: string, afterKey?: string): AsyncIterable<ObjectInfo>;
  /**
   * Leave for whoever holds it to PUT exactly this content under exactly this key, once, until the moment. The store
   * itself refuses another length, content, type or key, a dropped or altered header, a taken key and a late PUT.
   */
  grantUpload(pins: UploadPins, expireTimeMs: number): Promise<UploadLeave>;
  /** Address from which whoever holds it may GET the object until the moment. */
  grantDownload(key: string, expireTimeMs: number): Promise<string>;
}

/** How long uploaded listings are kept. */
export interface RetentionRule {
  /** Days; 0 for ever. */
  readonly keepDays: number;
  /** Whether the listings of an epoch may be deleted now. False for what is no epoch's id. */
  mayDelete(epochId: string): boolean;
}

/** What a rule does, or did, to a store. */
export type RetentionOutcome =
  /** The epochs whose listings are deleted, ascending. */
  | { readonly kind: "sweep"; readonly epochs: readonly { epochId: string; objects: number; bytes: number }[] }
  /** The service deletes by itself, by age; whether it has to be told so (again). */
  | { readonly kind: "lifecycle"; readonly changes: boolean };

/** Deleting uploaded listings, and nothing else: only what lies under data/. */
export interface DataRetention {
  /** Makes the store keep the rule from now on, or with dryRun only tells what that would do. */
  apply(rule: RetentionRule, dryRun: boolean): Promise<RetentionOutcome>;
}

/** Moving bytes to and from granted addresses. */
export interface Transfer {
  /** PUTs; resolves with the status whatever it is. Rejects with UNAVAILABLE when no answer came. */
  put(
    url: string,
    headers: UploadLeave["headers"],
    content: Uint8Array,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly text: string }>;
  /** GETs at most maxBytes of what never changes: what breaks off goes on where it was. Rejects with UNAVAILABLE for no answer, a 5xx or 429, OBJECT_MISSING for other statuses, OBJECT_DIFFERS when longer. */
  get(url: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array>;
}

// ---------------------------------------------------------------------------------------------------------- cache

/** A key, and how long it lives. */
export interface Expiring {
  readonly key: string;
  readonly ttlMs: number;
}

/** The hot cache and the doorbell between replicas. Losing all of it loses no data. */
export interface Cache {
  get(key: string): Promise<Uint8Array | undefined>;
  set(key: string, value: Uint8Array, ttlMs: number): Promise<void>;
  /** Sets unless the key is there; whether it was set. Atomic. */
  setIfAbsent(key: string, value: Uint8Array, ttlMs: number): Promise<boolean>;
  /** Adds 1 and returns the sum; a new key starts at 1 and lives ttlMs from then on. Atomic, time to live included. */
  increment(key: string, ttlMs: number): Promise<number>;
  /**
   * Sets an absent key, and if it was absent adds 1 to a count, in one atomic step; the sum. Where the key was there
   * already, undefined, and nothing changed. A new count starts at 1; both live for their own time from when they began.
   */
  setAndCount(absent: Expiring, count: Expiring): Promise<number | undefined>;
  /**
   * Rings a topic's doorbell on every replica. The note goes along as a hint; one of more than 1 MiB, and now and then
   * any other, is left out.
   */
  ring(topic: string, note?: Uint8Array): Promise<void>;
  /**
   * Calls the listener at every ring with the notes that came, oldest first, and with none where a ring had none or may
   * have been missed, and now and then for nothing. Whoever can write to the cache can write notes. Returns how to stop.
   */
  onRing(topic: string, listener: (notes: readonly Uint8Array[]) => void): () => void;
  /** Takes a lock for ttlMs at most; undefined while somebody else has it. */
  lock(name: string, ttlMs: number): Promise<CacheLock | undefined>;
  close(): Promise<void>;
}

/** A lock that is held until it is released, its time is over, or the cache loses it. */
export interface CacheLock {
  /** Gives it back; does nothing where it is not held any more. */
  release(): Promise<void>;
}

// ---------------------------------------------------------------------------------------------------- local state

/** A program's own small files, for example a resume token. Keys as in ObjectStore. */
export interface LocalState {
  read(key: string): Promise<Uint8Array | undefined>;
  /** Replaces the whole content, durably, or not at all. Where there is no room, rejects with the code ENOSPC, as keep does. */
  write(key: string, content: Uint8Array): Promise<void>;
  /**
   * As write, but without waiting for the disk, which takes most of the time: a process that is killed loses nothing, but
   * a power cut may leave it missing, empty or in part. For what can be had again.
   */
  keep(key: string, content: Uint8Array): Promise<void>;
  /** Keys under a prefix, ascending. */
  list(prefix: string): Promise<string[]>;
  /** Removes everything under a prefix. */
  remove(prefix: string): Promise<void>;
}

// -------------------------------------------------------------------------------------------------------- sources

/** A page as it came. */
export interface Page {
  readonly url: string;
  /** HTTP status. */
  readonly status: number;
  /** The document as the server sent it. */
  readonly html: string;
  /** When it was read, in unix milliseconds. Absent: just now. */
  readonly readTimeMs?: number;
  /** How long the site asks to be left alone, in milliseconds, 0 to one day. Absent: it does not say. */
  readonly retryAfterMs?: number;
}

/** Reads pages of a site. */
export interface PageReader {
  /** Reads one page, whatever its status. Rejects with UNAVAILABLE when none came in time, SOURCE_DISALLOWED when robots.txt forbids it. */
  read(url: string, signal: AbortSignal): Promise<Page>;
  close(): Promise<void>;
}

/** A page of search results, taken apart. */
export interface SearchPage {
  /** 1 and up. */
  readonly pageNumber: number;
  /** Pages that are known of so far; more when a search turns out to need narrower ones. */
  readonly pageCount: number;
  /** Results that the source claims. */
  readonly resultCount: number;
  /** On the last page: results that the source claims and no search, however narrow, has shown as listings. Absent: none. */
  readonly hiddenCount?: number;
  readonly listings: readonly Listing[];
}

/** What a source says of one listing. */
export type LookUp = {
  readonly url: string;
  readonly fetchedTimeMs: number;
  /** 0 when no answer came. */
  readonly httpStatus: number;
  /** SHA-256 of the page, hexadecimal; empty when none came. */
  readonly pageSha256: string;
} & (
  | { readonly outcome: "found"; readonly listing: Listing }
  /** The source answered that it has no such listing. */
  | { readonly outcome: "absent" }
  /** Nothing can be said: no answer, an error of the source, a challenge. The note says which. */
  | { readonly outcome: "unreachable"; readonly note: string }
);

/** A source of listings. */
export interface ListingSource {
  /** Name for people and logs, for example "zillow-shape". */
  readonly name: string;
  /**
   * All search pages of a zip code, in order, and each listing once. What exceeds the source's cap is asked for by
   * narrower searches, the same ones for the same answers. Rejects with SOURCE_BLOCKED when the site challenges or refuses the
   * reader (never worked around), SOURCE_DISALLOWED, SOURCE_CHANGED when a page does not have the expected shape,
   * UNAVAILABLE after its retries.
   */
  search(zipCode: string, signal: AbortSignal): AsyncIterable<SearchPage>;
  /** Reads one listing again, by its id at this source's own address. Rejects only when aborted. */
  lookUp(listingId: string, signal: AbortSignal): Promise<LookUp>;
}

// ---------------------------------------------------------------------------------------------------------- files

/** What a file of listings says of itself. */
export interface ListingFileHead {
  readonly epochId: string;
  readonly nonce: string;
  readonly hotkey: string;
  readonly zipCode: string;
}

/** A file that was read. */
export interface ReadFile {
  readonly head: ListingFileHead;
  readonly listings: readonly Listing[];
}

/** The submission format. */
export interface ListingFiles {
  /** Makes a file. The same input makes the same bytes. */
  encode(head: ListingFileHead, listings: readonly Listing[]): Uint8Array;
  /** Reads a file that anybody may have made. Rejects with FILE_UNREADABLE for whatever is not in the format. */
  decode(content: Uint8Array): Promise<ReadFile>;
}

/** A file that was read and checked row by row. */
export interface CheckedFile extends FileFacts {
  readonly head: ListingFileHead;
}

/**
 * Files of others, which may be made to harm whoever reads them. Both methods reject with FILE_UNREADABLE for whatever
 * is not in the format, and for what cannot be read within the limits on memory and time, alone and with patience.
 */
export interface SubmittedFiles {
  /** Checks each row by itself. */
  check(content: Uint8Array, context: RowContext): Promise<CheckedFile>;
  /** Reads all rows. */
  decode(content: Uint8Array): Promise<ReadFile>;
}
