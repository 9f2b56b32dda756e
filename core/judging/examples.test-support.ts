/** Epochs, listings and submissions for the tests of judging. */
import { type MessageInitShape, create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Epoch, EpochSchema, type Rules, type RulesSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { HomeType, type Listing, ListingSchema, ListingStatus } from "../../gen/zipnet/v1/listing_pb.js";
import { type Evidence, EvidenceSchema, type ListingVerdict } from "../../gen/zipnet/v1/report_pb.js";
import { type Manifest, type ManifestObject, ManifestSchema } from "../../gen/zipnet/v1/submission_pb.js";
import { defaultRules } from "../rules.js";
import { evidenceId } from "./comparison.js";
import { fileFacts, rowContext } from "./row-facts.js";
import { type SampledListing, sampleListings } from "./sampling.js";
import { checkSubmission } from "./structure.js";
import type { FileContent, SubmissionCheck } from "./submission-check.js";

const EPOCH_LENGTH_SECONDS = 14_400;
export const START_MS = Date.UTC(2026, 10, 22, 12);
export const CLOSE_MS = START_MS + EPOCH_LENGTH_SECONDS * 1000;
export const SEED_HASH = "5e".repeat(32);
export const NONCE = "0123456789abcdef0123456789abcdef";
const ZIP_CODES = ["02134", "98101", "98102"];

/** The default rules, with changes. */
export function exampleRules(over: MessageInitShape<typeof RulesSchema> = {}): Rules {
  return Object.assign(defaultRules(EPOCH_LENGTH_SECONDS), over);
}

/** An epoch of three zip codes. */
export function exampleEpoch(rules: Rules = exampleRules()): Epoch {
  return create(EpochSchema, {
    id: "20261122T120000Z",
    nonce: NONCE,
    startTime: timestampFromMs(START_MS),
    closeTime: timestampFromMs(CLOSE_MS),
    zipCodes: ZIP_CODES.map((zipCode) => ({ zipCode, expectedListings: 20, state: "WA" })),
    rules,
  });
}

/** A sound house. */
export function exampleListing(
  listingId: string,
  zipCode = "98101",
  over: MessageInitShape<typeof ListingSchema> = {},
): Listing {
  return create(ListingSchema, {
    listingId,
    url: `http://127.0.0.1/homedetails/${listingId}_zpid/`,
    zipCode,
    streetAddress: `${listingId} Pine St`,
    city: "Seattle",
    state: "WA",
    status: ListingStatus.FOR_SALE,
    homeType: HomeType.SINGLE_FAMILY,
    priceUsd: 650_000,
    bedrooms: 3,
    bathrooms: 2.25,
    livingAreaSqft: 1_800,
    lotAreaSqft: 5_000,
    latitude: 47.61,
    longitude: -122.33,
    scrapedTime: timestampFromMs(START_MS + 60_000),
    ...over,
  });
}

/** Sound listings of a zip code, with ids from `first` up. */
export function exampleListings(zipCode: string, count: number, first = 1): Listing[] {
  return Array.from({ length: count }, (_, index) =>
    exampleListing(`${Number(zipCode) * 1000 + first + index}`, zipCode),
  );
}

/** A file that says what its manifest says, received when the epoch began or when it is said. */
export function readFile(
  hotkey: string,
  zipCode: string,
  listings: readonly Listing[],
  receivedMs = START_MS,
): FileContent {
  const context = rowContext(exampleEpoch(), receivedMs, zipCode);
  const head = { epochId: "20261122T120000Z", nonce: NONCE, hotkey, zipCode };
  return { kind: "read", head, ...fileFacts(listings, context) };
}

/** A manifest over files, whose rows are right. */
function exampleManifest(hotkey: string, files: ReadonlyMap<string, FileContent>): Manifest {
  const objects = [...files].map(
    ([zipCode, file]) => ({ zipCode, rows: file.kind === "read" ? file.rows.length : 1 }) as ManifestObject,
  );
  return create(ManifestSchema, { epochId: "20261122T120000Z", nonce: NONCE, hotkey, objects });
}

/** Checks a submission of these files. */
export async function checkFiles(input: {
  hotkey: string;
  coldkey?: string;
  files: ReadonlyMap<string, FileContent>;
  receivedMs?: number;
  epoch?: Epoch;
  manifest?: Partial<Manifest>;
}): Promise<SubmissionCheck> {
  const { hotkey, files } = input;
  return checkSubmission({
    epoch: input.epoch ?? exampleEpoch(),
    manifest: Object.assign(exampleManifest(hotkey, files), input.manifest),
    coldkey: input.coldkey ?? hotkey,
    manifestSha256: "ab".repeat(32),
    receivedMs: input.receivedMs ?? START_MS,
    read: (object) => Promise.resolve(files.get(object.zipCode) ?? { kind: "out-of-reach" }),
  });
}

/** A sound submission with so many listings per zip code. */
export function soundCheck(
  hotkey: string,
  counts: Readonly<Record<string, number>>,
  receivedMs = START_MS,
): Promise<SubmissionCheck> {
  const files = Object.entries(counts).map(([zipCode, count]): [string, FileContent] => [
    zipCode,
    readFile(hotkey, zipCode, exampleListings(zipCode, count)),
  ]);
  return checkFiles({ hotkey, files: new Map(files), receivedMs });
}

/** Evidence of a whole sample, where `verdictOf` says what was found of each. */
export function sampleEvidence(
  check: SubmissionCheck,
  rules: Rules,
  verdictOf: (index: number, sampled: SampledListing) => ListingVerdict,
): Evidence[] {
  return sampleListings(check, SEED_HASH, rules.spotCheckListings).map((sampled, index) =>
    create(EvidenceSchema, {
      id: evidenceId(check.hotkey, sampled.zipCode, sampled.listingId),
      hotkey: check.hotkey,
      submitted: exampleListing(sampled.listingId, sampled.zipCode),
      verdict: verdictOf(index, sampled),
    }),
  );
}
