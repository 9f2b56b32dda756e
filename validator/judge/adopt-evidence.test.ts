import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { submittedFiles } from "../../adapters/parquet/submitted-files.js";
import { memoryState } from "../../adapters/state/memory-state.js";
import { readyCrypto, signerFromUri, verifySr25519 } from "../../adapters/wallet/wallet.js";
import { ZipnetError } from "../../core/errors.js";
import { CLOSE_MS } from "../../core/judging/examples.test-support.js";
import type { ListingSource, LocalState, Wallet } from "../../core/ports.js";
import { openRecord, sealRecord } from "../../core/signed-record.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import {
  ListingVerdict,
  MinerVerdict,
  type Report,
  ReportSchema,
  ScoreTableSchema,
} from "../../gen/zipnet/v1/report_pb.js";
import { quietLog } from "../../test/support/quiet-log.js";
import {
  EPOCH_ID,
  LENGTH_MS,
  type ScriptedEpoch,
  honestListings,
  hurriedClock,
  inventedListings,
  judgeOptions,
  scriptEpoch,
  scriptedMetagraph,
  scriptedServer,
  scriptedSource,
  stillChain,
} from "../scripted-epoch.test-support.js";
import { judgeEpoch } from "./judge-epoch.js";
import { replayEpoch } from "./replay.js";

const never = new AbortController().signal;
const { FAIL, PASS } = ListingVerdict;

describe("a validator whose source does not answer", () => {
  let scripted: ScriptedEpoch;
  let own: Wallet;
  let others: Wallet[];
  /** Reports of the others, who could ask the source. */
  let honest: SignedRecord[];

  before(async () => {
    await readyCrypto();
    scripted = scriptEpoch([
      { uri: "//swift", minute: 20, listings: honestListings },
      { uri: "//patient", minute: 120, listings: honestListings },
      { uri: "//inventor", minute: 1, listings: inventedListings },
    ]);
    own = signerFromUri("//Validator");
    others = ["//One", "//Two", "//Three"].map(signerFromUri);
    honest = [];
    for (const signer of others) honest.push(await judgeEpoch(await judgeOptions(scripted, { signer }), never));
  });

  /** Judges with a silent source, unless another is given, where these reports are published. */
  async function judge(
    published: readonly SignedRecord[],
    given: { state?: LocalState; source?: ListingSource; isAway?: () => boolean; permitted?: readonly Wallet[] } = {},
  ) {
    const { state = memoryState(), source = scriptedSource(() => "silent"), isAway = () => false } = given;
    const up = scriptedServer(scripted);
    const server = {
      ...up,
      reports: () => {
        if (isAway()) throw new ZipnetError("UNAVAILABLE", "away");
        asked.push(clock.now());
        return (async function* () {
          yield* published;
        })();
      },
    };
    const asked: number[] = [];
    const clock = hurriedClock(CLOSE_MS + 5_000);
    const hotkeys = [scripted.server, own, ...(given.permitted ?? others)].map(({ hotkey }) => hotkey);
    const chain = stillChain(scriptedMetagraph(hotkeys));
    const options = await judgeOptions(scripted, { state, source, server, clock, chain, signer: own });
    const record = await judgeEpoch(options, never);
    const report = openRecord(ReportSchema, record, verifySr25519, own.hotkey);
    return { report, asked, clock };
  }

  /** What a validator would report that says the opposite of what it found. */
  function lying(record: SignedRecord, signer: Wallet): SignedRecord {
    const report = fromBinary(ReportSchema, record.payload);
    for (const piece of report.evidence) piece.verdict = piece.verdict === PASS ? FAIL : PASS;
    return sealRecord(ReportSchema, { ...report, validator: signer.hotkey }, signer);
  }

  const tableBytes = (report: Report): Uint8Array =>
    toBinary(ScoreTableSchema, report.table ?? create(ScoreTableSchema));
  const verdicts = (report: Report): MinerVerdict[] => report.table?.scores.map(({ verdict }) => verdict) ?? [];

  it("takes over a quorum's findings late, says so, and has the others' table byte for byte", async () => {
    const { report, asked } = await judge(honest);
    const [first = assert.fail()] = honest;
    const theirs = fromBinary(ReportSchema, first.payload);
    assert.deepEqual(tableBytes(report), tableBytes(theirs));
    assert.deepEqual(
      report.evidence.map(({ id, verdict }) => [id, verdict]),
      theirs.evidence.map(({ id, verdict }) => [id, verdict]),
    );
    assert.ok(report.evidence.length > 0);
    assert.equal(report.adoptedEvidence, report.evidence.length);
    const validators = others.map(({ hotkey }) => hotkey).toSorted();
    for (const piece of report.evidence) assert.deepEqual(piece.adoptedFrom, validators);
    assert.ok((asked[0] ?? 0) >= CLOSE_MS + (LENGTH_MS * 15) / 16, "not before the others had their time");
  });

  it("takes over nothing from a lone liar, whatever it says", async () => {
    const [first = assert.fail()] = honest;
    const [liar = assert.fail()] = others;
    const { report } = await judge([lying(first, liar)]);
    assert.equal(report.adoptedEvidence, 0);
    assert.ok(verdicts(report).every((verdict) => verdict === MinerVerdict.UNVERIFIED));
  });

  it("is not moved by a liar among the honest", async () => {
    const [first = assert.fail(), second = assert.fail(), third = assert.fail()] = honest;
    const [, , liar = assert.fail()] = others;
    const { report } = await judge([first, second, lying(third, liar)]);
    assert.deepEqual(tableBytes(report), tableBytes(fromBinary(ReportSchema, first.payload)));
  });

  it("counts no report that is not signed, not on this snapshot, or of a hotkey without a permit", async () => {
    const [first = assert.fail(), second = assert.fail(), third = assert.fail()] = honest;
    const unsigned = { ...second, signature: new Uint8Array(64) };
    const report = fromBinary(ReportSchema, third.payload);
    const table = { ...(report.table ?? assert.fail()), snapshotSha256: "ef".repeat(32) };
    const [, , signer = assert.fail()] = others;
    const elsewhere = sealRecord(ReportSchema, { ...report, table }, signer);
    assert.equal((await judge([first, unsigned, elsewhere])).report.adoptedEvidence, 0);
    assert.equal((await judge(honest, { permitted: others.slice(0, 1) })).report.adoptedEvidence, 0);
  });

  it("keeps what it found itself", async () => {
    // Answers for a few listings, then for none: too few to decide.
    const answers = new Set<string>();
    const source = scriptedSource((listing) => {
      if (listing === undefined) return "silent";
      if (answers.size < 4) answers.add(listing.listingId);
      return answers.has(listing.listingId) ? listing : "silent";
    });
    const liars = honest.map((record, index) => lying(record, others[index] ?? assert.fail()));
    const { report } = await judge(liars, { source });
    const found = report.evidence.filter((piece) => answers.has(piece.submitted?.listingId ?? ""));
    const passed = found.filter(({ verdict }) => verdict === PASS);
    assert.ok(passed.length >= 4);
    for (const piece of passed) assert.deepEqual(piece.adoptedFrom, []);
    assert.ok(report.adoptedEvidence > 0, "of what it did not find, it believes the others");
  });

  it("asks nobody when the source answers", async () => {
    const { asked, clock, report } = await judge(honest, { source: scriptedSource() });
    assert.deepEqual(asked, []);
    assert.equal(report.adoptedEvidence, 0);
    assert.ok(clock.sleptMs < 60_000);
  });

  it("reports what it has when the others' reports stay out of reach, and gets over a while", async () => {
    const { report } = await judge(honest, { isAway: () => true });
    assert.equal(report.adoptedEvidence, 0);
    let failures = 2;
    const back = await judge(honest, { isAway: () => failures-- > 0 });
    assert.ok(back.report.adoptedEvidence > 0);
  });

  it("can be replayed without the others' reports", async () => {
    const state = memoryState();
    await judge(honest, { state });
    const from = { epochId: EPOCH_ID, serverHotkey: scripted.server.hotkey, state, files: submittedFiles() };
    const { isSame } = await replayEpoch({ ...from, verify: verifySr25519, log: quietLog }, never);
    assert.equal(isSame, true);
  });
});
