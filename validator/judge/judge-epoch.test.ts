import assert from "node:assert/strict";
import { toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { memoryState } from "../../adapters/state/memory-state.js";
import { readyCrypto, signerFromUri, verifySr25519 } from "../../adapters/wallet/wallet.js";
import { ZipnetError } from "../../core/errors.js";
import { CLOSE_MS, exampleListing } from "../../core/judging/examples.test-support.js";
import type { LocalState, Transfer } from "../../core/ports.js";
import { openRecord } from "../../core/signed-record.js";
import { ListingStatus } from "../../gen/zipnet/v1/listing_pb.js";
import {
  LossReason,
  MinerVerdict,
  type Report,
  ReportSchema,
  type ScoreTable,
  ScoreTableSchema,
} from "../../gen/zipnet/v1/report_pb.js";
import {
  EPOCH_ID,
  LENGTH_MS,
  type MinerScript,
  type ScriptedEpoch,
  epochRules,
  honestListings,
  hurriedClock,
  inventedListings,
  judgeOptions,
  scriptEpoch,
  scriptedServer,
  scriptedSource,
  scriptedTransfer,
  sealSnapshot,
} from "../scripted-epoch.test-support.js";
import { openClosedEpoch } from "./closed-epoch.js";
import { type JudgeOptions, judgeEpoch } from "./judge-epoch.js";
import { publishReport } from "./publish.js";

const never = new AbortController().signal;
const honest = (uri: string, minute: number): MinerScript => ({ uri, minute, listings: honestListings });

/** Three honest miners of different speed, one that invents, one that covers half. */
const CAST: readonly MinerScript[] = [
  honest("//swift", 20),
  honest("//steady", 60),
  honest("//patient", 120),
  { uri: "//inventor", minute: 1, listings: inventedListings },
  { uri: "//partial", minute: 30, listings: honestListings, zipCodes: ["98101"] },
];

async function judge(given: Promise<JudgeOptions> | JudgeOptions): Promise<Report> {
  const options = await given;
  return openRecord(ReportSchema, await judgeEpoch(options, never), verifySr25519, options.parts.signer.hotkey);
}

function tableOf(report: Report): ScoreTable {
  assert(report.table !== undefined);
  return report.table;
}

function scoreOf(report: Report, uri: string) {
  const score = tableOf(report).scores.find((entry) => entry.hotkey === signerFromUri(uri).hotkey);
  assert(score !== undefined, `${uri} is not in the table`);
  return score;
}

describe("judgeEpoch", () => {
  let scripted: ScriptedEpoch;
  before(async () => {
    await readyCrypto();
    scripted = scriptEpoch(CAST);
  });

  it("reads only what the rules have it read, says how much that was, and leaves the others a share", async () => {
    // The two without a place among the best: one of them is drawn.
    const uris = ["//one", "//two", "//three", "//four", "//late", "//later"];
    const cast = uris.map((uri, index) => honest(uri, index < 4 ? 5 + index : 200 + index));
    const rules = epochRules({
      spotCheckMiners: 3,
      spotCheckRandomMiners: 0,
      spotCheckBudgetMiners: 4,
      readMiners: 4,
      readSampleMiners: 1,
    });
    const frugal = scriptEpoch(cast, rules);
    const transfer = scriptedTransfer(frugal);
    const fetched = new Set<string>();
    let bytes = 0;
    const counting: Transfer = {
      ...transfer,
      async get(url, maxBytes, signal) {
        const content = await transfer.get(url, maxBytes, signal);
        fetched.add(/hotkey=(\w+)/.exec(url)?.[1] ?? "");
        bytes += content.length;
        return content;
      },
    };
    const options = await judgeOptions(frugal, { transfer: counting });
    const report = await judge(options);
    assert.equal(fetched.size, 5);
    assert.deepEqual([...fetched].sort(), [...options.closed.hotkeysToRead].sort());
    assert.deepEqual([report.downloadedFiles, report.downloadedBytes], [10, BigInt(bytes)]);
    const unread = tableOf(report).scores.filter(({ hotkey }) => !fetched.has(hotkey));
    assert.equal(unread.length, 1);
    const [{ verdict, scoreBps, shareBps, lost } = assert.fail()] = unread;
    assert.deepEqual(
      lost.map(({ reason, lostBps }) => [reason, lostBps]),
      [[LossReason.NOT_READ, 10_000]],
    );
    assert.equal(verdict, MinerVerdict.UNVERIFIED);
    assert.equal(scoreBps, 0);
    assert.ok(shareBps >= 1);
    assert.equal(tableOf(report).scores.filter((score) => score.verdict === MinerVerdict.VERIFIED).length, 3);
    const other = await judge(judgeOptions(frugal, { signer: signerFromUri("//Other") }));
    assert.deepEqual(toBinary(ScoreTableSchema, tableOf(other)), toBinary(ScoreTableSchema, tableOf(report)));
  });

  it("tells the honest from the inventor, and the whole from the half", async () => {
    const report = await judge(judgeOptions(scripted));
    assert.equal(scoreOf(report, "//inventor").verdict, MinerVerdict.LIAR);
    assert.equal(scoreOf(report, "//inventor").scoreBps, 0);
    for (const uri of ["//swift", "//steady", "//patient", "//partial"]) {
      assert.equal(scoreOf(report, uri).verdict, MinerVerdict.VERIFIED, uri);
    }
    assert.equal(scoreOf(report, "//partial").volumeBps, 5_000);
    assert.equal(scoreOf(report, "//swift").rank, 1);
    const weights = tableOf(report).weights;
    assert.equal(
      weights.reduce((sum, { weightBps }) => sum + weightBps, 0),
      10_000,
    );
    assert(!weights.some(({ hotkey }) => hotkey === signerFromUri("//inventor").hotkey));
    // Ten of the inventor's are enough.
    assert.equal(report.evidence.length, 4 * 20 + 10);
  });

  it("comes to the same bytes on two validators of which one met honest changes", async () => {
    const mine = await judge(judgeOptions(scripted));
    const changed = scriptedSource((listing, look) => {
      if (listing === undefined || look % 4 > 0) return listing;
      return exampleListing(listing.listingId, listing.zipCode, {
        status: ListingStatus.PENDING,
        scrapedTime: timestampFromMs(CLOSE_MS),
      });
    });
    const theirs = await judge(judgeOptions(scripted, { source: changed, signer: signerFromUri("//Other") }));
    assert.notDeepEqual(
      mine.evidence.map((piece) => piece.verdict),
      theirs.evidence.map((piece) => piece.verdict),
    );
    assert.deepEqual(toBinary(ScoreTableSchema, tableOf(mine)), toBinary(ScoreTableSchema, tableOf(theirs)));
  });

  it("comes to the same report whichever write it dies at, and repeats at most the look-up it died in", async function () {
    this.timeout(60_000);
    const undisturbed = tableOf(await judge(judgeOptions(scripted)));
    const needed = scriptedSource();
    await judge(judgeOptions(scripted, { source: needed }));
    // Not every write, so that the test stays quick; 11 has no common rhythm with the pages or the sample.
    for (let writes = 0; ; writes += 11) {
      const state = memoryState();
      const source = scriptedSource();
      let isDead = false;
      try {
        await judge(judgeOptions(scripted, { source, state: dyingState(state, writes) }));
      } catch (error) {
        assert.match(String(error), /the power went out/);
        isDead = true;
      }
      const table = tableOf(await judge(judgeOptions(scripted, { source, state })));
      assert.deepEqual(
        toBinary(ScoreTableSchema, table),
        toBinary(ScoreTableSchema, undisturbed),
        `died at write ${writes}`,
      );
      // Two workers were at work when it died, and a FAIL takes two looks.
      assert(
        source.looks.length <= needed.looks.length + 4,
        `${source.looks.length} looks after dying at write ${writes}`,
      );
      if (!isDead) break;
    }
  });

  it("convicts who signs another SHA-256 than was uploaded, but not who suffers a broken transfer", async () => {
    const twisted = scriptEpoch([
      honest("//swift", 20),
      {
        ...honest("//contradicts", 30),
        twist: (manifest) => {
          for (const object of manifest.objects) {
            object.key = object.key.replace(object.sha256, "00".repeat(32));
            object.sha256 = "00".repeat(32);
          }
        },
      },
    ]);
    const uploaded = new Map(twisted.files);
    for (const [key, content] of uploaded) {
      if (!key.includes(signerFromUri("//contradicts").hotkey)) continue;
      twisted.files.delete(key);
      twisted.files.set(key.replace(/[0-9a-f]{64}/, "00".repeat(32)), content);
    }
    const intact = scriptedTransfer(twisted);
    let broken = 0;
    const transfer: Transfer = {
      ...intact,
      async get(url, maxBytes, signal) {
        const content = await intact.get(url, maxBytes, signal);
        broken += 1;
        return broken <= 3 ? content.slice(0, -1) : content;
      },
    };
    const report = await judge(judgeOptions(twisted, { transfer }));
    const liar = scoreOf(report, "//contradicts");
    assert.deepEqual([liar.verdict, liar.lost[0]?.reason], [MinerVerdict.LIAR, LossReason.CONTRADICTION]);
    assert.equal(scoreOf(report, "//swift").verdict, MinerVerdict.VERIFIED);
    assert.equal(scoreOf(report, "//swift").volumeBps, 10_000);
  });

  it("waits for a store until the judging period ends, and then holds nothing against the miner", async () => {
    const lost = scriptEpoch(CAST);
    const swift = signerFromUri("//swift").hotkey;
    const gone = [...lost.files.keys()].find((key) => key.includes(swift) && key.includes("98101"));
    const whole = scriptedTransfer(lost);
    const clock = hurriedClock(CLOSE_MS + 5_000);
    const transfer: Transfer = {
      ...whole,
      get: (url, maxBytes, signal) =>
        url === `mem:${gone}`
          ? Promise.reject(new ZipnetError("OBJECT_MISSING", "gone"))
          : whole.get(url, maxBytes, signal),
    };
    const report = await judge(judgeOptions(lost, { transfer, clock }));
    assert(clock.now() > CLOSE_MS + LENGTH_MS - 300_000 && clock.now() < CLOSE_MS + LENGTH_MS);
    assert.equal(scoreOf(report, "//swift").volumeBps, 10_000);
    assert.equal(scoreOf(report, "//swift").verdict, MinerVerdict.VERIFIED);
  });

  it("judges as always when the server is away for an hour", async () => {
    const clock = hurriedClock(CLOSE_MS + 5_000);
    const up = scriptedServer(scripted);
    const server = {
      ...up,
      downloadGrants: (...input: Parameters<typeof up.downloadGrants>) =>
        clock.now() < CLOSE_MS + 3_600_000
          ? Promise.reject(new ZipnetError("UNAVAILABLE", "away"))
          : up.downloadGrants(...input),
    };
    const table = tableOf(await judge(judgeOptions(scripted, { clock, server })));
    assert.deepEqual(table, tableOf(await judge(judgeOptions(scripted))));
  });

  it("waits for a source that is down, gently, and decides nothing when it stays down", async () => {
    const clock = hurriedClock(CLOSE_MS + 5_000);
    const source = scriptedSource(() => "silent");
    const report = await judge(judgeOptions(scripted, { source, clock }));
    for (const { verdict, shareBps } of tableOf(report).scores) {
      assert.equal(verdict, MinerVerdict.UNVERIFIED);
      assert(shareBps > 0);
    }
    assert(clock.now() > CLOSE_MS + (LENGTH_MS * 15) / 16 - 300_000);
    assert(source.looks.length < 200, `${source.looks.length} look-ups at a source that is down`);
  });

  it("gets over a source that is silent for a while", async () => {
    const clock = hurriedClock(CLOSE_MS + 5_000);
    const source = scriptedSource((listing) => (clock.now() < CLOSE_MS + 1_200_000 ? "silent" : listing));
    const table = tableOf(await judge(judgeOptions(scripted, { source, clock })));
    assert.deepEqual(table, tableOf(await judge(judgeOptions(scripted))));
  });

  it("lets a single listing that never answers be UNKNOWN, without waiting for the end", async () => {
    const clock = hurriedClock(CLOSE_MS + 5_000);
    const alone = scriptEpoch([honest("//swift", 20)]);
    const [first] = (await judge(judgeOptions(alone))).evidence;
    const source = scriptedSource((listing) =>
      listing?.listingId === first?.submitted?.listingId ? "silent" : listing,
    );
    const report = await judge(judgeOptions(alone, { source, clock }));
    assert.equal(report.evidence.filter((piece) => piece.note.startsWith("nothing can be said")).length, 1);
    assert.equal(scoreOf(report, "//swift").qualityBps, 10_000);
    assert(clock.sleptMs < 60_000);
  });

  it("believes an absence only when it is confirmed", async () => {
    const alone = scriptEpoch([honest("//swift", 20)]);
    const seen = new Set<string>();
    const flaky = scriptedSource((listing) => {
      if (listing === undefined || seen.has(listing.listingId)) return listing;
      seen.add(listing.listingId);
      return undefined;
    });
    assert.equal(
      scoreOf(await judge(judgeOptions(alone, { source: flaky })), "//swift").verdict,
      MinerVerdict.VERIFIED,
    );
  });

  it("judges an epoch without submissions", async () => {
    const table = tableOf(await judge(judgeOptions(scriptEpoch([]))));
    assert.deepEqual([table.scores, table.weights], [[], []]);
  });
});

describe("openClosedEpoch", () => {
  let scripted: ScriptedEpoch;
  before(async () => {
    await readyCrypto();
    scripted = scriptEpoch(CAST.slice(0, 1));
  });

  const open = (snapshot = scripted.snapshotRecord, epoch = scripted.epochRecord) =>
    openClosedEpoch(epoch, snapshot, verifySr25519, scripted.server.hotkey);
  const invalid = { reason: "RECORD_SIGNATURE_INVALID" };

  it("takes the server's records", () => assert.equal(open().receipts.length, 1));

  it("refuses a snapshot or a receipt that somebody else signed", () => {
    const mallory = signerFromUri("//Mallory");
    assert.throws(() => open(sealSnapshot(mallory, scripted.epochRecord, [])), invalid);
    const receipts = scriptEpoch([honest("//swift", 1)]).manifests.get(signerFromUri("//swift").hotkey);
    assert(receipts !== undefined);
    assert.throws(() => open(sealSnapshot(scripted.server, scripted.epochRecord, [receipts])));
  });

  it("refuses a snapshot of another epoch record", () => {
    const other = scriptEpoch([], epochRules({ spotCheckMiners: 5 }));
    assert.throws(() => open(sealSnapshot(scripted.server, other.epochRecord, [])), invalid);
  });
});

describe("publishReport", () => {
  before(readyCrypto);

  it("takes an earlier report of its own for published, and keeps what led to it", async () => {
    const scripted = scriptEpoch(CAST.slice(0, 1));
    const state = memoryState();
    const options = await judgeOptions(scripted, { state });
    const report = await judgeEpoch(options, never);
    const before = await state.list("");
    const server = {
      ...options.parts.server,
      publish: () => Promise.reject(new ZipnetError("ALREADY_PUBLISHED", "there is one")),
      async *reports() {
        yield report;
      },
    };
    const told: object[] = [];
    const log = { ...options.parts.log, info: (facts: object) => void told.push(facts) };
    await publishReport(report, { ...options, parts: { server, log } }, never);
    assert.deepEqual(told, [{ event: "report_published", epoch_id: EPOCH_ID, same_table: true }]);
    assert.deepEqual(await state.list(""), [...before, `published/${EPOCH_ID}`].sort());
  });

  it("keeps the report when the server does not take it", async () => {
    const options = await judgeOptions(scriptEpoch(CAST.slice(0, 1)));
    const report = await judgeEpoch(options, never);
    const server = { ...options.parts.server, publish: () => Promise.reject(new ZipnetError("UNAVAILABLE", "away")) };
    await assert.rejects(publishReport(report, { ...options, parts: { ...options.parts, server } }, never), /away/);
    assert.equal(await options.work.isPublished(), false);
    assert.deepEqual(await judgeEpoch(options, never), report);
  });
});

/** A state that takes so many writes and then none any more. */
function dyingState(state: LocalState, writes: number): LocalState {
  let left = writes;
  return {
    ...state,
    write(key, content) {
      left -= 1;
      return left < 0 ? Promise.reject(new Error("the power went out")) : state.write(key, content);
    },
  };
}
