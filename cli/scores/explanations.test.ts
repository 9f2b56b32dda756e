import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import { readyCrypto, signerFromUri, verifySr25519 } from "../../adapters/wallet/wallet.js";
import { explainScore } from "../../core/judging/explain.js";
import { EPOCH_ID, sample } from "../../core/samples.test-support.js";
import { sealRecord } from "../../core/signed-record.js";
import { EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { JudgingService } from "../../gen/zipnet/v1/judging_service_pb.js";
import { LossReason, MinerScoreSchema, MinerVerdict, ReportSchema } from "../../gen/zipnet/v1/report_pb.js";
import { explanationText } from "./explanation-text.js";
import { explainFromRecords, explainFromServer } from "./explanations.js";

describe("zipnet score explain", () => {
  before(() => readyCrypto());

  /** Reports of these validators, of which the second found one part of the score otherwise where `differs`. */
  function world(differs = false) {
    const [server, one, two] = ["//server", "//one", "//two"].map(signerFromUri);
    if (server === undefined || one === undefined || two === undefined) return assert.fail();
    const sampled = sample(ReportSchema);
    const [piece = assert.fail()] = sampled.evidence;
    const { hotkey } = piece;
    const reports = [one, two].map((validator, index) => {
      const lost = [
        {
          reason: LossReason.SPOT_CHECK,
          lostBps: 900,
          zipCode: "98101",
          detail: "not as submitted",
          evidenceId: piece.id,
        },
        {
          reason: LossReason.LATE,
          lostBps: 600 + (differs ? index : 0),
          detail: "received 3600 seconds after the start",
        },
      ];
      const parts = { speedBps: 9_000, qualityBps: 8_000, volumeBps: 10_000, timeBps: 9_000, acceptedListings: 7 };
      const score = { hotkey, rank: 1, verdict: MinerVerdict.VERIFIED, scoreBps: 8_500, lost, ...parts };
      const table = { ...(sampled.table ?? assert.fail()), scores: [create(MinerScoreSchema, score)] };
      return sealRecord(ReportSchema, { ...sampled, validator: validator.hotkey, table }, validator);
    });
    const trust = { verify: verifySr25519, serverHotkey: server.hotkey };
    return { hotkey, reports, trust, validators: [one.hotkey, two.hotkey] };
  }
  const epoch = sample(EpochSchema);

  it("shows each part, each lost point with its evidence, and validators that agree together", async () => {
    const { hotkey, reports, trust, validators } = world();
    const source = { snapshot: () => Promise.resolve(undefined), reports: () => Promise.resolve(reports) };
    const text = explanationText(hotkey, epoch, await explainFromRecords(source, epoch, hotkey, trust));
    assert.equal(text.match(/judged by/g)?.length, 1);
    for (const validator of validators) assert.ok(text.includes(validator));
    assert.match(text, /verified, rank 1 of 1, score 85.00 %/);
    assert.match(text, /speed +│ 90.00 % +│ 40.00 %/);
    assert.match(text, /9.00 % │ spot check │ 98101 .*not as submitted.*price_usd 1 is 2; no page, /);
    assert.match(text, /6.00 % │ late/);
    assert.match(text, /There is no better rank/);
  });

  it("shows validators that differ apart, and says when nobody judged the miner", async () => {
    const { hotkey, reports, trust } = world(true);
    const source = { snapshot: () => Promise.resolve(undefined), reports: () => Promise.resolve(reports) };
    const text = explanationText(hotkey, epoch, await explainFromRecords(source, epoch, hotkey, trust));
    assert.equal(text.match(/judged by/g)?.length, 2);
    assert.match(explanationText(hotkey, epoch, []), /no report judges this miner/);
  });

  it("shows the evidence by which a liar was convicted", async () => {
    const { hotkey, reports, trust } = world();
    const source = { snapshot: () => Promise.resolve(undefined), reports: () => Promise.resolve(reports) };
    const explanations = await explainFromRecords(source, epoch, hotkey, trust);
    for (const { score } of explanations)
      Object.assign(score ?? assert.fail(), { verdict: MinerVerdict.LIAR, lost: [] });
    const text = explanationText(hotkey, epoch, explanations);
    assert.match(text, /does not show as submitted[^]*price_usd 1 is 2; no page, /);
  });

  it("goes through all pages of a server", async () => {
    const { hotkey, reports, trust } = world();
    const source = { snapshot: () => Promise.resolve(undefined), reports: () => Promise.resolve(reports) };
    const all = await explainFromRecords(source, epoch, hotkey, trust);
    const transport = createRouterTransport(({ service }) => {
      service(JudgingService, {
        explainScore: ({ pageToken }) =>
          pageToken === "" ? { explanations: all.slice(0, 1), nextPageToken: "2" } : { explanations: all.slice(1) },
      });
    });
    const clients = { judging: createClient(JudgingService, transport) };
    const told = await explainFromServer(clients, EPOCH_ID, hotkey, new AbortController().signal);
    assert.deepEqual(told, all);
    assert.equal(explainScore({ report: sample(ReportSchema), epoch, hotkey: "5none", receivedMs: 0 }), undefined);
  });
});
