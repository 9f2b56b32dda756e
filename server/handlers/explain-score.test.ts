import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Signer } from "../../core/ports.js";
import { payloadSha256, sealRecord } from "../../core/signed-record.js";
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import { LossReason, MinerScoreSchema, MinerVerdict, ReportSchema } from "../../gen/zipnet/v1/report_pb.js";
import { FIRST_EPOCH } from "../keeper/world.test-support.js";
import { refused } from "../refused.test-support.js";
import { type ServerRig, signedManifest, startRig, upload } from "../rig.test-support.js";

describe("ExplainScore", () => {
  let rig: ServerRig;
  let epoch: Epoch;

  before(async () => {
    rig = await startRig();
    epoch = await rig.openEpoch(FIRST_EPOCH);
    const clients = rig.clients(rig.alice);
    const texts = Object.fromEntries(epoch.zipCodes.map(({ zipCode }) => [zipCode, `listings of ${zipCode}`]));
    const manifest = signedManifest(epoch, rig.alice, await upload(clients, epoch, rig.alice.hotkey, texts));
    await clients.submissions.finalizeSubmission({ manifest });
    await rig.closeEpoch(epoch);
    for (const validator of [rig.vera, rig.vito]) await publish(validator);
  });
  after(() => rig.stop());

  /** Alice stands behind Bob by the time of her receipt alone. */
  async function publish(validator: Signer): Promise<void> {
    const { judging } = rig.clients(validator);
    const { record } = await judging.getSnapshot({ epochId: epoch.id });
    const full = { verdict: MinerVerdict.VERIFIED, speedBps: 10_000, qualityBps: 10_000, volumeBps: 10_000 };
    const scores = [
      { ...full, hotkey: rig.bob.hotkey, rank: 1, scoreBps: 9_999, timeBps: 9_998, speedBps: 9_998, shareBps: 5_000 },
      {
        ...full,
        hotkey: rig.alice.hotkey,
        rank: 2,
        scoreBps: 8_000,
        timeBps: 5_000,
        speedBps: 5_000,
        shareBps: 3_000,
        lost: [{ reason: LossReason.LATE, lostBps: 2_000, detail: "received late" }],
      },
    ].map((score) => create(MinerScoreSchema, score));
    const snapshotSha256 = payloadSha256(record ?? assert.fail());
    const table = { epochId: epoch.id, snapshotSha256, scoringVersion: "test", scores, weights: [], zipCodes: [] };
    const { network, netuid } = epoch;
    const judgedTime = timestampFromMs(rig.clock.now());
    const head = { epochId: epoch.id, network, netuid, validator: validator.hotkey, softwareVersion: "0.1.0" };
    const report = sealRecord(ReportSchema, { ...head, judgedTime, table, evidence: [] }, validator);
    await judging.publishReport({ report });
  }

  it("explains a miner its own score by every report, with the time of its own receipt", async () => {
    const { explanations, nextPageToken } = await rig.clients(rig.alice).judging.explainScore({ epochId: epoch.id });
    assert.equal(nextPageToken, "");
    assert.deepEqual(
      explanations.map(({ validator }) => validator),
      [rig.vera.hotkey, rig.vito.hotkey].toSorted(),
    );
    const [first = assert.fail(), second] = explanations;
    assert.deepEqual([first.rankedMiners, first.nextScoreBps, first.score?.lost.length], [2, 9_999, 1]);
    assert.ok(
      first.nextRank.some((sentence) => /^A receipt .* earlier, by .* would have been enough/.test(sentence)),
      first.nextRank.join("\n"),
    );
    assert.deepEqual(first.nextRank, second?.nextRank);
  });

  it("refuses a miner another one's, and answers a validator and nobody's reports with nothing", async () => {
    const ask = (signer: Signer, hotkey: string, pageToken = "") =>
      rig.clients(signer).judging.explainScore({ epochId: epoch.id, hotkey, pageToken });
    await refused(ask(rig.alice, rig.bob.hotkey), "ROLE_NOT_ALLOWED", rig.bob.hotkey, "own only");
    assert.equal((await ask(rig.vera, rig.bob.hotkey)).explanations.length, 2);
    assert.deepEqual((await ask(rig.vera, rig.vera.hotkey)).explanations, []);
    await refused(ask(rig.vera, rig.bob.hotkey, "nonsense"), "INVALID_FIELD", "nonsense");
    const unknown = rig.clients(rig.alice).judging.explainScore({ epochId: "20200101T000000Z" });
    await refused(unknown, "EPOCH_UNKNOWN");
  });
});
