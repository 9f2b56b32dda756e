import assert from "node:assert/strict";
import { toBinary } from "@bufbuild/protobuf";
import { memoryState } from "../../adapters/state/memory-state.js";
import { readyCrypto, verifySr25519 } from "../../adapters/wallet/wallet.js";
import type { LocalState, Transfer } from "../../core/ports.js";
import { openRecord } from "../../core/signed-record.js";
import { type Report, ReportSchema, ScoreTableSchema } from "../../gen/zipnet/v1/report_pb.js";
import {
  EPOCH_ID,
  type MinerScript,
  type ScriptedEpoch,
  honestListings,
  inventedListings,
  judgeOptions,
  scriptEpoch,
  scriptedServer,
  scriptedTransfer,
} from "../scripted-epoch.test-support.js";
import { judgeEpoch } from "./judge-epoch.js";
import { removeOldWork, workStore } from "./work-store.js";

const never = new AbortController().signal;
const CAST: readonly MinerScript[] = [20, 60, 120, 130, 140].map((minute) => ({
  uri: `//miner${minute}`,
  minute,
  listings: minute === 60 ? inventedListings : honestListings,
}));

/** Counts downloads by address, and how many went on at the same time. */
function countingTransfer(scripted: ScriptedEpoch): Transfer & { readonly gets: string[]; most: number } {
  const transfer = scriptedTransfer(scripted);
  let now = 0;
  const counting = {
    ...transfer,
    gets: [] as string[],
    most: 0,
    async get(url: string, maxBytes: number, signal: AbortSignal) {
      counting.gets.push(url);
      now += 1;
      counting.most = Math.max(counting.most, now);
      await new Promise((resolve) => setImmediate(resolve));
      now -= 1;
      return transfer.get(url, maxBytes, signal);
    },
  };
  return counting;
}

/** A state that remembers the most bytes of files that it held. */
function measuredState(): LocalState & { mostBytes: number } {
  const state = memoryState();
  const measured = {
    ...state,
    mostBytes: 0,
    async keep(key: string, content: Uint8Array) {
      await state.keep(key, content);
      const sizes = (await state.list("files/")).map((held) => Number(held.split("-")[1]));
      measured.mostBytes = Math.max(
        measured.mostBytes,
        sizes.reduce((sum, size) => sum + size, 0),
      );
    },
  };
  return measured;
}

describe("readSubmissions", () => {
  let scripted: ScriptedEpoch;
  let totalBytes: number;
  let whole: Report;
  before(async () => {
    await readyCrypto();
    scripted = scriptEpoch(CAST);
    totalBytes = [...scripted.files.values()].reduce((sum, { length }) => sum + length, 0);
    whole = await judge({});
  });

  async function judge(over: Parameters<typeof judgeOptions>[1]): Promise<Report> {
    const options = await judgeOptions(scripted, over);
    return openRecord(ReportSchema, await judgeEpoch(options, never), verifySr25519, options.parts.signer.hotkey);
  }

  function assertSame(report: Report): void {
    assert(report.table !== undefined && whole.table !== undefined);
    assert.deepEqual(toBinary(ScoreTableSchema, report.table), toBinary(ScoreTableSchema, whole.table));
    assert.deepEqual([report.downloadedFiles, report.downloadedBytes], [10, BigInt(totalBytes)]);
  }

  it("comes to the same table with room for a part of the epoch, and fetches again what the spot check needs", async () => {
    const state = measuredState();
    const transfer = countingTransfer(scripted);
    const cacheBytes = Math.ceil(totalBytes * 0.45);
    assertSame(await judge({ state, transfer, cacheBytes }));
    assert.ok(state.mostBytes <= cacheBytes, `${state.mostBytes} of ${cacheBytes} bytes`);
    assert.ok(transfer.gets.length > 10 && transfer.gets.length <= 20, `${transfer.gets.length} downloads`);
  });

  it("comes to the same table whichever file it dies at, and does not fetch again what is there", async function () {
    this.timeout(60_000);
    const roomy = totalBytes * 2;
    for (const cacheBytes of [roomy, Math.ceil(totalBytes * 0.7)]) {
      for (let files = 0; files < 10; files += 3) {
        const state = memoryState();
        let left = files;
        const dying: LocalState = {
          ...state,
          async keep(key, content) {
            left -= 1;
            if (left < 0) throw new Error("the power went out");
            return state.keep(key, content);
          },
        };
        await assert.rejects(judge({ state: dying, cacheBytes }), /the power went out/);
        const held = (await state.list("files/")).length;
        assert.ok(held > 0 || files === 0);
        const transfer = countingTransfer(scripted);
        assertSame(await judge({ state, transfer, cacheBytes }));
        if (cacheBytes === roomy) assert.equal(transfer.gets.length, 10 - held);
      }
    }
  });

  it("holds one submission even where the limit is smaller", async () => {
    const state = measuredState();
    assertSame(await judge({ state, cacheBytes: 1 }));
    assert.ok(state.mostBytes <= totalBytes / 4, `${state.mostBytes} of ${totalBytes} bytes`);
  });

  it("fetches nothing twice where there is room, also after it is judged", async () => {
    const state = memoryState();
    const transfer = countingTransfer(scripted);
    const options = await judgeOptions(scripted, { state, transfer });
    assertSame(openRecord(ReportSchema, await judgeEpoch(options, never), verifySr25519, options.parts.signer.hotkey));
    assert.equal(transfer.gets.length, 10);
    await removeOldWork(state, options.kept, EPOCH_ID);
    await state.remove(`reports/${EPOCH_ID}`);
    assertSame(await judge({ state, transfer }));
    assert.equal(transfer.gets.length, 10);
  });

  it("downloads as many files at the same time as it may, over all miners", async () => {
    const transfer = countingTransfer(scripted);
    const base = scriptedServer(scripted);
    // All grants in one page: submissions of two files each.
    const server = {
      ...base,
      async downloadGrants(epochId: string, hotkeys: readonly string[], token: string, signal: AbortSignal) {
        const first = await base.downloadGrants(epochId, hotkeys, token, signal);
        for (let next = first.nextPageToken; next !== "";) {
          const page = await base.downloadGrants(epochId, hotkeys, next, signal);
          first.submissions.push(...page.submissions);
          next = page.nextPageToken;
        }
        return { ...first, nextPageToken: "" };
      },
    };
    const options = await judgeOptions(scripted, { transfer, server });
    const config = { ...options.config, concurrency: 6 };
    await judgeEpoch({ ...options, config }, never);
    assert.deepEqual([transfer.gets.length, transfer.most], [10, 6]);
  });

  it("blames a damaged disk and not the miner", async () => {
    const state = memoryState();
    const transfer = countingTransfer(scripted);
    const damaging: LocalState = {
      ...state,
      keep: (key, content) => state.keep(key, transfer.gets.length === 3 ? content.map(() => 0) : content),
    };
    assertSame(await judge({ state: damaging, transfer }));
    assert.ok(transfer.gets.length > 10);
  });

  it("keeps the work of an older epoch as long as it has files", async () => {
    const state = memoryState();
    const options = await judgeOptions(scripted, { state });
    await judgeEpoch(options, never);
    const next = "20261122T160000Z";
    await workStore(state, "20261122T080000Z").saveManifest("5x", scripted.epochRecord);
    await removeOldWork(state, options.kept, next);
    assert.deepEqual(new Set((await state.list("work/")).map((key) => key.split("/")[1])), new Set([EPOCH_ID]));
    options.kept.hold(next, []);
    for (const key of await state.list(`files/${EPOCH_ID}/`)) {
      const [, , hotkey = "", name = ""] = key.split("/");
      const [zipCode = "", sizeBytes = "", sha256 = ""] = name.split("-");
      await options.kept.drop(EPOCH_ID, hotkey, { zipCode, sizeBytes: Number(sizeBytes), sha256 });
    }
    await removeOldWork(state, options.kept, next);
    assert.deepEqual(await state.list("work/"), []);
  });
});
