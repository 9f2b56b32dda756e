import assert from "node:assert/strict";
import { type DescMessage, type MessageInitShape, create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import * as epochs from "../../gen/zipnet/v1/epoch_pb.js";
import * as epochService from "../../gen/zipnet/v1/epoch_service_pb.js";
import * as judging from "../../gen/zipnet/v1/judging_service_pb.js";
import * as records from "../../gen/zipnet/v1/record_pb.js";
import * as submissions from "../../gen/zipnet/v1/submission_pb.js";
import * as uploads from "../../gen/zipnet/v1/submission_service_pb.js";
import { violationsOf } from "../constraints.js";
import { dataKey } from "../object-keys.js";
import { EPOCH_ID, HOTKEY_A, HOTKEY_B, SHA, START_MS, broken, recordOf, sample } from "../samples.test-support.js";

describe("the constraints across fields", () => {
  const init = <Desc extends DescMessage>(schema: Desc, value: MessageInitShape<Desc>) => create(schema, value);

  it("bind an epoch's id, number, times and rules to each other", () => {
    const { EpochSchema } = epochs;
    assert.deepEqual(
      broken(EpochSchema, (epoch) => void (epoch.id = "20261122T160000Z")),
      ["id"],
    );
    assert.deepEqual(
      broken(EpochSchema, (epoch) => void (epoch.number += 1)),
      ["number"],
    );
    assert.deepEqual(
      broken(EpochSchema, (epoch) => void (epoch.closeTime = epoch.startTime as never)),
      ["close_time"],
    );
    const late = timestampFromMs(START_MS + 86_401_000);
    assert.deepEqual(
      broken(EpochSchema, (epoch) => void (epoch.closeTime = late)),
      ["close_time"],
    );
    const rules = { ...sample(EpochSchema).rules, speedGraceMs: 14_400_001 } as epochs.Rules;
    assert.deepEqual(
      broken(EpochSchema, (epoch) => void (epoch.rules = rules)),
      ["rules.speed_grace_ms"],
    );
    const seedBlock = init(records.SeedBlockSchema, { hash: SHA, time: timestampFromMs(START_MS - 1) });
    assert.deepEqual(
      broken(EpochSchema, (epoch) => void (epoch.seedBlock = seedBlock)),
      ["seed_block.time"],
    );
  });

  it("bind an epoch's sum to its zip codes and its target", () => {
    const { EpochSchema } = epochs;
    assert.deepEqual(
      broken(EpochSchema, (epoch) => void (epoch.expectedListings = 1_099)),
      ["expected_listings"],
    );
    const grown = broken(EpochSchema, (epoch) => {
      epoch.expectedListings = 1_101;
      Object.assign(epoch.zipCodes[0] as object, { expectedListings: 801 });
    });
    assert.deepEqual(grown, ["expected_listings"]);
    assert.deepEqual(
      broken(EpochSchema, (epoch) => epoch.zipCodes.reverse()),
      ["zip_codes[1].zip_code"],
    );
    assert.deepEqual(
      broken(EpochSchema, (epoch) => void (epoch.zipCodes = [])),
      ["zip_codes", "expected_listings"],
    );
  });

  it("make the rules' parts add up, and descend where they must", () => {
    const { RulesSchema } = epochs;
    assert.deepEqual(
      broken(RulesSchema, (rules) => void (rules.speedWeightBps = 3_999)),
      ["volume_weight_bps"],
    );
    assert.deepEqual(
      broken(RulesSchema, (rules) => void (rules.winnerShareBps = [3_000, 5_000, 1_500])),
      ["winner_share_bps[1]"],
    );
    assert.deepEqual(
      broken(RulesSchema, (rules) => void (rules.participationShareBps = 501)),
      ["participation_share_bps"],
    );
    assert.deepEqual(
      broken(RulesSchema, (rules) => void (rules.maxExpectedListings = 4)),
      ["max_expected_listings"],
    );
    assert.deepEqual(
      broken(RulesSchema, (rules) => void (rules.spotCheckBudgetMiners = 5)),
      ["spot_check_budget_miners"],
    );
    assert.deepEqual(
      broken(RulesSchema, (rules) => void (rules.readMiners = 47)),
      ["read_miners"],
    );
    assert.deepEqual(
      broken(RulesSchema, (rules) => void (rules.readMiners = 48)),
      [],
    );
    assert.deepEqual(
      broken(RulesSchema, (rules) => void (rules.fabricatedFailBps = rules.toleratedFailBps)),
      ["fabricated_fail_bps"],
    );
    assert.deepEqual(
      broken(RulesSchema, (rules) => void (rules.spotCheckListings = 501)),
      ["spot_check_max_listings"],
    );
    assert.deepEqual(
      broken(RulesSchema, (rules) => void (rules.spotCheckBudgetListings = 49)),
      ["spot_check_budget_listings"],
    );
    assert.deepEqual(
      broken(RulesSchema, (rules) => rules.includeStates.push("WA")),
      ["include_states[2]"],
    );
    assert.deepEqual(
      broken(RulesSchema, (rules) => rules.excludeStates.push("AA")),
      ["exclude_states[1]"],
    );
    assert.deepEqual(
      broken(RulesSchema, (rules) => rules.stateWeights.push(init(epochs.StateWeightSchema, { state: "WA" }))),
      ["state_weights[2].weight_percent", "state_weights[2].state"],
    );
    assert.deepEqual(
      broken(RulesSchema, (rules) => void (rules.includeStates = ["wa"])),
      ["include_states[0]"],
    );
  });

  it("keep zip codes ascending, each once", () => {
    const repeat = broken(epochs.CatalogueSchema, (catalogue) => catalogue.entries.push(...catalogue.entries.slice(1)));
    assert.deepEqual(repeat, ["entries[2].zip_code"]);
    assert.deepEqual(
      broken(epochs.CatalogueSchema, (catalogue) => void (catalogue.entries = [])),
      ["entries"],
    );
  });

  it("derive a manifest's keys", () => {
    const foreign = dataKey(HOTKEY_B, EPOCH_ID, "98101", SHA);
    const change = (manifest: submissions.Manifest) => Object.assign(manifest.objects[0] as object, { key: foreign });
    assert.deepEqual(broken(submissions.ManifestSchema, change), ["objects[0].key"]);
  });

  it("look into a snapshot's receipts", () => {
    const { SnapshotSchema, ReceiptSchema } = submissions;
    assert.deepEqual(
      broken(SnapshotSchema, (snapshot) => snapshot.receipts.reverse()),
      ["receipts[1]"],
    );
    const twice = broken(SnapshotSchema, (snapshot) => snapshot.receipts.push(...snapshot.receipts.slice(1)));
    assert.deepEqual(twice, ["receipts[2].hotkey"]);
    const set = (receipt: submissions.Receipt) =>
      broken(SnapshotSchema, (snapshot) => {
        snapshot.receipts = [init(records.SignedRecordSchema, recordOf(ReceiptSchema, receipt))];
      });
    const receipt = sample(ReceiptSchema);
    assert.deepEqual(set({ ...receipt, epochId: "20261122T160000Z" }), ["receipts[0].epoch_id"]);
    assert.deepEqual(set({ ...receipt, position: 0 }), ["receipts[0].position"]);
    const change = (snapshot: submissions.Snapshot) =>
      Object.assign(snapshot.receipts[0] as object, { type: "zipnet.v1.Epoch" });
    assert.deepEqual(broken(SnapshotSchema, change), ["receipts[0]"]);
  });

  it("bound requests and records in size, and want what they carry", () => {
    const { SignedRecordSchema } = records;
    assert.deepEqual(
      broken(SignedRecordSchema, (record) => void (record.type = "zipnet.v1.Rules")),
      ["type"],
    );
    assert.deepEqual(
      broken(SignedRecordSchema, (record) => void (record.payload = new Uint8Array())),
      ["payload"],
    );
    assert.deepEqual(
      broken(SignedRecordSchema, (record) => void (record.payload = new Uint8Array(16_777_217))),
      ["payload"],
    );
    assert.deepEqual(
      broken(SignedRecordSchema, (record) => void (record.signature = new Uint8Array(63))),
      ["signature"],
    );
    const watch = epochService.WatchEpochsRequestSchema;
    assert.deepEqual(
      broken(watch, (request) => void (request.resumeToken = new Uint8Array(257))),
      ["resume_token"],
    );
    assert.deepEqual(
      violationsOf(judging.PublishReportRequestSchema, create(judging.PublishReportRequestSchema)).length,
      1,
    );
    const finalize = uploads.FinalizeSubmissionRequestSchema;
    assert.deepEqual(
      broken(finalize, (request) => void delete request.manifest),
      ["manifest"],
    );
    assert.deepEqual(
      broken(finalize, (request) => Object.assign(request.manifest as object, { signer: "" })),
      ["manifest.signer"],
    );
    const progress = (message: submissions.Progress) => void (message.zipCodesDone = 3);
    assert.deepEqual(broken(submissions.ProgressSchema, progress), ["zip_codes_done"]);
    const grants = judging.CreateDownloadGrantsRequestSchema;
    assert.deepEqual(
      broken(grants, (request) => void (request.hotkeys = Array(257).fill(HOTKEY_A))),
      ["hotkeys"],
    );
    assert.deepEqual(
      broken(grants, (request) => void (request.hotkeys = ["x"])),
      ["hotkeys[0]"],
    );
    const upload = uploads.CreateUploadGrantsRequestSchema;
    assert.deepEqual(
      broken(upload, (request) => void (request.objects = [])),
      ["objects"],
    );
  });
});
