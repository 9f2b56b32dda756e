import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import { readyCrypto, signerFromUri } from "../../../adapters/wallet/wallet.js";
import { EPOCH_ID, sample } from "../../../core/samples.test-support.js";
import { sealRecord } from "../../../core/signed-record.js";
import { EpochSchema } from "../../../gen/zipnet/v1/epoch_pb.js";
import { EpochService } from "../../../gen/zipnet/v1/epoch_service_pb.js";
import { JudgingService } from "../../../gen/zipnet/v1/judging_service_pb.js";
import {
  HotkeyWeightSchema,
  LossReason,
  MinerScoreSchema,
  MinerVerdict,
  ReportSchema,
} from "../../../gen/zipnet/v1/report_pb.js";
import { historyText } from "./history.js";

const { signal } = new AbortController();

describe("zipnet miner history", () => {
  before(() => readyCrypto());

  /** A server with one epoch and two reports, a page each. */
  function open() {
    const [server, miner, ...validators] = ["//server", "//miner", "//one", "//two"].map(signerFromUri);
    if (server === undefined || miner === undefined) return assert.fail();
    const { hotkey } = miner;
    const lost = [
      { reason: LossReason.COVERAGE, lostBps: 150, zipCode: "98101", detail: "90 of 100 listings" },
      { reason: LossReason.LATE, lostBps: 400, detail: "the receipt came in step 2 of 12" },
    ];
    const score = { hotkey, rank: 1, verdict: MinerVerdict.VERIFIED, scoreBps: 9_450, speedBps: 9_000, lost };
    const reports = validators.map((validator, index) => {
      const report = sample(ReportSchema);
      const weights = [
        create(HotkeyWeightSchema, { hotkey, weightBps: index === 0 ? 10_000 : 5_000 }),
        ...(index === 0 ? [] : [create(HotkeyWeightSchema, { hotkey: server.hotkey, weightBps: 5_000 })]),
      ].toSorted((a, b) => (a.hotkey < b.hotkey ? -1 : 1));
      const scores = [create(MinerScoreSchema, score)];
      const table = { ...(report.table ?? assert.fail()), scores, weights };
      return sealRecord(ReportSchema, { ...report, validator: validator.hotkey, evidence: [], table }, validator);
    });
    const transport = createRouterTransport(({ service }) => {
      service(EpochService, {
        listEpochs: () => ({ epochs: [{ record: sealRecord(EpochSchema, sample(EpochSchema), server) }] }),
      });
      service(JudgingService, {
        listReports: ({ pageToken }) =>
          pageToken === "" ? { reports: reports.slice(0, 1), nextPageToken: "2" } : { reports: reports.slice(1) },
      });
    });
    const clients = { epochs: createClient(EpochService, transport), judging: createClient(JudgingService, transport) };
    return { clients, settings: { hotkey, serverHotkey: server.hotkey, limit: 10, epoch: undefined } };
  }

  it("says what an epoch earned by all reports, and what cost most", async () => {
    const { clients, settings } = open();
    const text = await historyText(clients, settings, signal);
    assert.match(text, new RegExp(`${EPOCH_ID}.*2 of 2.*50.00 % \\(50.00 % to 100.00 %\\).*1, verified.*94.50 %.*90.00 %`)); // prettier-ignore
    assert.match(text, /late 4.00 %, coverage 1.50 %/);
    assert.doesNotMatch(text, /90 of 100 listings/);
  });

  it("lists every lost point of one epoch with its reason", async () => {
    const { clients, settings } = open();
    const text = await historyText(clients, { ...settings, epoch: EPOCH_ID }, signal);
    assert.match(text, /1.50 %.*coverage.*98101.*90 of 100 listings/);
    assert.match(text, /4.00 %.*late.*the receipt came in step 2 of 12/);
  });
});
