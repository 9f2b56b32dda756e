/** One valid message of each kind with constraints, for tests to pass, to break and to build on. */
import { type DescMessage, type MessageInitShape, type MessageShape, create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import * as calibrations from "../gen/zipnet/v1/calibration_pb.js";
import * as epochs from "../gen/zipnet/v1/epoch_pb.js";
import * as epochService from "../gen/zipnet/v1/epoch_service_pb.js";
import * as judging from "../gen/zipnet/v1/judging_service_pb.js";
import * as listings from "../gen/zipnet/v1/listing_pb.js";
import * as records from "../gen/zipnet/v1/record_pb.js";
import * as reports from "../gen/zipnet/v1/report_pb.js";
import * as info from "../gen/zipnet/v1/server_info_service_pb.js";
import * as submissions from "../gen/zipnet/v1/submission_pb.js";
import * as uploads from "../gen/zipnet/v1/submission_service_pb.js";
import { violationsOf } from "./constraints.js";
import { dataKey } from "./object-keys.js";
import { defaultRules } from "./rules.js";

/** Two hotkeys, ascending. */
export const HOTKEY_A = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";
export const HOTKEY_B = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
/** Start of the sample epoch. */
export const START_MS = Date.UTC(2026, 10, 22, 12);
/** Id of the sample epoch. */
export const EPOCH_ID = "20261122T120000Z";
/** Some hash. */
export const SHA = "0123456789abcdef".repeat(4);
/** Some shorter hash. */
const MD5 = "0123456789abcdef".repeat(2);

const epochId = EPOCH_ID;
const place = { network: "local", netuid: 46 };
const startTime = timestampFromMs(START_MS);
const seedBlock = { number: 7, hash: SHA, time: timestampFromMs(START_MS + 1_250) };

const entries: { schema: DescMessage; init: object }[] = [];

function sampleOf<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): MessageInitShape<Desc> {
  entries.push({ schema, init });
  return init;
}

/** Every kind of message that has a sample. */
export function sampledSchemas(): DescMessage[] {
  return entries.map((entry) => entry.schema);
}

/** A fresh valid message. */
export function sample<Desc extends DescMessage>(schema: Desc): MessageShape<Desc> {
  const entry = entries.find((candidate) => candidate.schema.typeName === schema.typeName);
  if (entry === undefined) throw new TypeError(`no sample is written for ${schema.typeName}`);
  return create(schema, structuredClone(entry.init) as MessageInitShape<Desc>);
}

/** Paths of the fields that a changed sample breaks. */
export function broken<Desc extends DescMessage>(schema: Desc, change: (message: MessageShape<Desc>) => void) {
  const message = sample(schema);
  change(message);
  return violationsOf(schema, message).map((violation) => violation.field);
}

sampleOf(records.SeedBlockSchema, seedBlock);
const stateWeight = { state: "OR", weightPercent: 200 };
sampleOf(epochs.StateWeightSchema, stateWeight);
sampleOf(epochs.RulesSchema, {
  ...defaultRules(14_400),
  includeStates: ["OR", "WA"],
  excludeStates: ["AK"],
  stateWeights: [stateWeight, { ...stateWeight, state: "WA" }].map((each) => create(epochs.StateWeightSchema, each)),
});

const assigned = sampleOf(epochs.AssignedZipCodeSchema, { zipCode: "98101", expectedListings: 800, state: "WA" });
sampleOf(epochs.EpochSchema, {
  ...place,
  number: START_MS / 14_400_000,
  id: epochId,
  startTime,
  closeTime: timestampFromMs(START_MS + 14_400_000),
  zipCodes: [assigned, { ...assigned, zipCode: "98102", expectedListings: 300 }],
  expectedListings: 1_100,
  nonce: MD5,
  seedBlock,
  catalogueSha256: SHA,
  selectionVersion: "zipnet-draw-v1",
  rules: { ...defaultRules(14_400), targetListings: 1_000 },
});

const calibration = sampleOf(epochs.CalibrationSchema, {
  importedListings: 200,
  foundMillilistings: 300_000,
  confidenceBps: 5_000,
  observations: 1,
  lastEpochNumber: 123,
});
const entry = sampleOf(epochs.CatalogueEntrySchema, {
  zipCode: "98101",
  state: "WA",
  latitudeMicrodegrees: 47_611_000,
  longitudeMicrodegrees: -122_334_000,
  expectedListings: 250,
  source: "census",
  asOf: "2026-08-01",
  calibration,
});
sampleOf(epochs.CatalogueSchema, { entries: [entry, { ...entry, zipCode: "98102" }] });

const listing = sampleOf(listings.ListingSchema, {
  listingId: "48749425",
  url: "https://example.com/homedetails/48749425_zpid/",
  zipCode: "98101",
  streetAddress: "1 Pine St",
  city: "Seattle",
  state: "WA",
  status: listings.ListingStatus.FOR_SALE,
  homeType: listings.HomeType.CONDO,
  priceUsd: 500_000,
  bathrooms: 2.25,
  scrapedTime: startTime,
});

const object = sampleOf(submissions.ManifestObjectSchema, {
  zipCode: "98101",
  key: dataKey(HOTKEY_A, epochId, "98101", SHA),
  sizeBytes: 1_000,
  md5: MD5,
  sha256: SHA,
  rows: 3,
});
sampleOf(submissions.ManifestSchema, {
  ...place,
  epochId,
  hotkey: HOTKEY_A,
  nonce: MD5,
  objects: [object, { ...object, zipCode: "98102", key: dataKey(HOTKEY_A, epochId, "98102", SHA) }],
});

const receipt = sampleOf(submissions.ReceiptSchema, {
  epochId,
  hotkey: HOTKEY_A,
  manifestSha256: SHA,
  receivedTime: timestampFromMs(START_MS + 60_001),
  position: 1,
  objectCount: 2,
  totalBytes: 2_000n,
});

/** An unsigned record in the form of a signed one. */
export function recordOf<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>) {
  return {
    type: schema.typeName,
    payload: toBinary(schema, create(schema, init)),
    signer: HOTKEY_A,
    signature: new Uint8Array(64),
  };
}

const signed = sampleOf(records.SignedRecordSchema, recordOf(submissions.ReceiptSchema, receipt));
sampleOf(submissions.SnapshotSchema, {
  epochNumber: 123,
  epochId,
  epochSha256: SHA,
  seedBlock,
  receipts: [signed, recordOf(submissions.ReceiptSchema, { ...receipt, hotkey: HOTKEY_B })],
});
sampleOf(submissions.EpochExtensionSchema, {
  epochNumber: 123,
  epochId,
  recordedTime: timestampFromMs(START_MS + 12_000_000),
  acceptedUntil: timestampFromMs(START_MS + 19_200_000),
});
const progress = sampleOf(submissions.ProgressSchema, {
  epochId,
  phase: submissions.ProgressPhase.SCRAPING,
  zipCodesDone: 1,
  zipCodesTotal: 2,
});

const difference = sampleOf(reports.FieldDifferenceSchema, { field: "price_usd", submitted: "1", observed: "2" });
const evidence = sampleOf(reports.EvidenceSchema, {
  id: `${HOTKEY_A}/98101/48749425`,
  hotkey: HOTKEY_A,
  submitted: listing,
  verdict: reports.ListingVerdict.FAIL,
  fetchedTime: startTime,
  differences: [{ ...difference, field: "status" }, difference],
});
const lost = sampleOf(reports.LostPointsSchema, {
  reason: reports.LossReason.SPOT_CHECK,
  lostBps: 10,
  evidenceId: evidence.id ?? "",
});
const weight = sampleOf(reports.HotkeyWeightSchema, { hotkey: HOTKEY_A, weightBps: 9_500 });
const score = sampleOf(reports.MinerScoreSchema, {
  hotkey: HOTKEY_B,
  rank: 1,
  verdict: reports.MinerVerdict.VERIFIED,
  scoreBps: 9_000,
  shareBps: 5_000,
  lost: [lost],
});
const count = sampleOf(reports.ZipCodeCountSchema, {
  zipCode: "98101",
  lowerMedianListings: 7,
  upperMedianListings: 9,
  miners: 2,
});
const table = sampleOf(reports.ScoreTableSchema, {
  epochId,
  snapshotSha256: SHA,
  scoringVersion: "zipnet-score-v1",
  scores: [score, { hotkey: HOTKEY_A, verdict: reports.MinerVerdict.LIAR }],
  weights: [weight, { hotkey: HOTKEY_B, weightBps: 500 }],
  zipCodes: [count, { ...count, zipCode: "98102" }],
});
sampleOf(reports.ReportSchema, {
  ...place,
  epochId,
  validator: HOTKEY_A,
  judgedTime: startTime,
  softwareVersion: "0.1.0",
  table,
  evidence: [evidence],
});

sampleOf(calibrations.CatalogueChoiceSchema, {
  ...place,
  epochNumber: 124,
  epochId,
  catalogueSha256: SHA,
  previousSha256: "0".repeat(64),
  reason: calibrations.CatalogueReason.CALIBRATED,
  importedSha256: SHA,
  replacedSha256s: ["1".repeat(64)],
  learnedToNumber: 120,
  learnedEpochIds: ["20261121T120000Z", "20261121T160000Z"],
  calibrationVersion: "zipnet-calibration-v1",
  resultCapListings: 820,
});
const settledReport = sampleOf(calibrations.SettledReportSchema, {
  validator: HOTKEY_A,
  stakeRao: 1_000_000_000_000n,
  reportSha256: SHA,
  agrees: true,
});
sampleOf(calibrations.SettlementSchema, {
  ...place,
  epochNumber: 123,
  epochId,
  blockNumber: 7,
  validatorStakeRao: 2_000_000_000_000n,
  reports: [settledReport, { ...settledReport, validator: HOTKEY_B, agrees: false }],
  zipCodes: [count],
});

sampleOf(epochService.WatchEpochsRequestSchema, {});
sampleOf(epochService.GetEpochRequestSchema, { epochId });
sampleOf(epochService.ListEpochsRequestSchema, { pageSize: 100 });
sampleOf(info.GetServerInfoRequestSchema, {});
const spec = sampleOf(uploads.ObjectSpecSchema, { zipCode: "98101", sizeBytes: 5, md5: MD5, sha256: SHA });
sampleOf(uploads.CreateUploadGrantsRequestSchema, { epochId, objects: [spec] });
sampleOf(uploads.FinalizeSubmissionRequestSchema, { manifest: signed });
sampleOf(uploads.ReportProgressRequestSchema, { progress });
sampleOf(uploads.GetSubmissionRequestSchema, { epochId });
sampleOf(judging.GetSnapshotRequestSchema, { epochId });
sampleOf(judging.CreateDownloadGrantsRequestSchema, { epochId, hotkeys: [HOTKEY_A] });
sampleOf(judging.PublishReportRequestSchema, { report: signed });
sampleOf(judging.ExplainScoreRequestSchema, { epochId, hotkey: HOTKEY_A });
sampleOf(judging.GetCalibrationRequestSchema, { epochId });
sampleOf(judging.ListReportsRequestSchema, { epochId });
