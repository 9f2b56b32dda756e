import assert from "node:assert/strict";
import { Socket } from "node:net";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { submittedFiles } from "../../adapters/parquet/submitted-files.js";
import { memoryState } from "../../adapters/state/memory-state.js";
import { readyCrypto, verifySr25519 } from "../../adapters/wallet/wallet.js";
import type { LocalState } from "../../core/ports.js";
import { openRecord } from "../../core/signed-record.js";
import { EvidenceSchema, ListingVerdict, ReportSchema, ScoreTableSchema } from "../../gen/zipnet/v1/report_pb.js";
import { quietLog } from "../../test/support/quiet-log.js";
import {
  EPOCH_ID,
  type MinerScript,
  type ScriptedEpoch,
  honestListings,
  inventedListings,
  judgeOptions,
  scriptEpoch,
  scriptedServer,
  scriptedSource,
} from "../scripted-epoch.test-support.js";
import { judgeByHand } from "./by-hand.js";
import { judgeEpoch } from "./judge-epoch.js";
import { publishReport, tableOf } from "./publish.js";
import { replayEpoch } from "./replay.js";

const never = new AbortController().signal;
const CAST: readonly MinerScript[] = [
  { uri: "//swift", minute: 20, listings: honestListings },
  { uri: "//patient", minute: 120, listings: honestListings },
  { uri: "//inventor", minute: 1, listings: inventedListings },
];

let scripted: ScriptedEpoch;
before(async () => {
  await readyCrypto();
  scripted = scriptEpoch(CAST);
});

function replay(state: LocalState) {
  const from = { epochId: EPOCH_ID, serverHotkey: scripted.server.hotkey, state, files: submittedFiles() };
  return replayEpoch({ ...from, verify: verifySr25519, log: quietLog }, never);
}

/** The whole content of a state. */
async function contentOf(state: LocalState): Promise<Map<string, string>> {
  const keys = await state.list("");
  const read = async (key: string): Promise<[string, string]> => [
    key,
    Buffer.from((await state.read(key)) ?? []).toString("base64"),
  ];
  return new Map(await Promise.all(keys.map(read)));
}

describe("replayEpoch", () => {
  it("makes the same report, byte for byte, without a connection and without touching the state", async () => {
    const state = memoryState();
    const options = await judgeOptions(scripted, { state });
    const record = await judgeEpoch(options, never);
    await publishReport(record, options, never);
    const before = await contentOf(state);
    const connect = Object.getOwnPropertyDescriptor(Socket.prototype, "connect") ?? assert.fail();
    Socket.prototype.connect = () => assert.fail("a replay opens a connection");
    try {
      const { isSame, report, table, lookUps } = await replay(state);
      assert.equal(isSame, true);
      assert.equal(lookUps, 0);
      assert.equal(report?.validator, options.parts.signer.hotkey);
      assert.deepEqual(toBinary(ScoreTableSchema, table), toBinary(ScoreTableSchema, tableOf(record)));
    } finally {
      Object.defineProperty(Socket.prototype, "connect", connect);
    }
    assert.deepEqual(await contentOf(state), before);
  });

  it("tells when what is stored does not lead to the report that was signed", async () => {
    const state = memoryState();
    await judgeEpoch(await judgeOptions(scripted, { state }), never);
    const first = (await state.list("work/")).find((key) => key.includes("/evidence/")) ?? assert.fail();
    const piece = fromBinary(EvidenceSchema, (await state.read(first)) ?? assert.fail());
    piece.verdict = piece.verdict === ListingVerdict.PASS ? ListingVerdict.FAIL : ListingVerdict.PASS;
    await state.write(first, toBinary(EvidenceSchema, piece));
    assert.equal((await replay(state)).isSame, false);
  });

  it("counts the listings on which no evidence is here, and refuses an epoch of which nothing is", async () => {
    const state = memoryState();
    await judgeEpoch(await judgeOptions(scripted, { state }), never);
    await state.remove((await state.list("work/")).find((key) => key.includes("/evidence/")) ?? assert.fail());
    const { isSame, lookUps } = await replay(state);
    assert.equal(isSame, false);
    assert.ok(lookUps > 0);
    await assert.rejects(replay(memoryState()), { reason: "OBJECT_MISSING" });
  });
});

describe("judgeByHand", () => {
  const records = () => Promise.resolve({ epoch: scripted.epochRecord, snapshot: scripted.snapshotRecord });

  async function byHand(isDryRun: boolean) {
    const state = memoryState();
    const server = scriptedServer(scripted);
    const source = scriptedSource();
    const { parts, config } = await judgeOptions(scripted, { state, server, source });
    const whole = { ...config, serverHotkey: scripted.server.hotkey, cacheBytes: 1_000_000_000 };
    const judgeAgain = () =>
      judgeByHand(EPOCH_ID, { parts: { ...parts, state }, config: whole, fetchRecords: records, isDryRun }, never);
    return { report: await judgeAgain(), judgeAgain, state, server, source };
  }

  it("judges and publishes, from the records that the server has", async () => {
    const { report, server, state } = await byHand(false);
    assert.deepEqual(server.published, [report]);
    assert.equal((await replay(state)).isSame, true);
  });

  it("publishes nothing in a dry run and keeps no report, but what it found", async () => {
    const { report, server, state, source, judgeAgain } = await byHand(true);
    assert.deepEqual(server.published, []);
    assert.deepEqual(await state.list("reports/"), []);
    assert.ok(openRecord(ReportSchema, report, verifySr25519, report.signer).evidence.length > 0);
    const looks = source.looks.length;
    assert.deepEqual(tableOf(await judgeAgain()), tableOf(report));
    assert.equal(source.looks.length, looks, "a second run looks nothing up again");
    const { report: compared, table } = await replay(state);
    assert.equal(compared, undefined);
    assert.deepEqual(table, tableOf(report));
  });
});
