/** A validator's state folder and a real embedded chain. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { type LocalChain, localChain } from "../../adapters/chain/local/client.js";
import { type TestChain, freshFolder, startTestChain } from "../../adapters/chain/local/local-chain.test-support.js";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { folderState } from "../../adapters/state/folder-state.js";
import { readyCrypto, signerFromUri } from "../../adapters/wallet/wallet.js";
import { startMsOfEpochId } from "../../core/epoch-time.js";
import { sample } from "../../core/samples.test-support.js";
import { encodeRecord, sealRecord } from "../../core/signed-record.js";
import { HotkeyWeightSchema, ReportSchema } from "../../gen/zipnet/v1/report_pb.js";
import { judgementInForce } from "./judged.js";
import { type WeightsView, setViewed, viewText, viewWeights } from "./view.js";

const { signal } = new AbortController();
const LENGTH_MS = 14_400_000;

describe("weights by hand", () => {
  let folder: Awaited<ReturnType<typeof freshFolder>>;
  let served: TestChain;
  let chain: LocalChain;
  let stateDir = "";
  let inForceMs = 0;
  const hotkeyOf = (name: string): string => signerFromUri(`//${name}`).hotkey;
  const judge = (name: string) => ({ network: "local", netuid: 1, hotkey: hotkeyOf(name) });

  before(async () => {
    await readyCrypto();
    folder = await freshFolder();
    stateDir = join(folder.path, "validator");
    const rules = { weightsRateLimit: 10_000, minAllowedWeights: 4 };
    served = await startTestChain(join(folder.path, "chain"), rules);
    chain = localChain({ url: served.url, clock: systemClock });
    for (const name of ["Validator", "First", "Second", "Third"]) {
      await chain.register(hotkeyOf(name), hotkeyOf(name), signal);
    }
    await chain.setStake(hotkeyOf("Validator"), 2_000_000_000_000n, signal);
    for await (const _ of chain.watchFinalized(signal)) {
      const { neurons } = await chain.metagraph(signal);
      if (neurons.some(({ validatorPermit }) => validatorPermit)) break;
    }
    const state = folderState(join(stateDir, "state"));
    await state.write("epoch-length-seconds", new TextEncoder().encode(String(LENGTH_MS / 1_000)));
  });
  after(async () => {
    chain.close();
    await served.stop();
    await folder.remove();
  });

  /** Adds a judgement to the validator's state folder. One of those who earned is not registered. */
  async function addJudgement(): Promise<string> {
    const validator = signerFromUri("//Validator");
    const report = sample(ReportSchema);
    const table = report.table ?? assert.fail();
    table.weights = [
      { hotkey: hotkeyOf("First"), weightBps: 6_000 },
      { hotkey: hotkeyOf("Second"), weightBps: 3_000 },
      { hotkey: hotkeyOf("Gone"), weightBps: 1_000 },
    ]
      .toSorted((a, b) => (a.hotkey < b.hotkey ? -1 : 1))
      .map((weight) => create(HotkeyWeightSchema, weight));
    const record = sealRecord(
      ReportSchema,
      { ...report, ...judge("Validator"), validator: validator.hotkey },
      validator,
    );
    await folderState(join(stateDir, "state")).write(`reports/${table.epochId}`, encodeRecord(record));
    inForceMs = (startMsOfEpochId(table.epochId) ?? Number.NaN) + 2 * LENGTH_MS;
    return table.epochId;
  }

  /** Cells of the table's line for a hotkey. */
  const cellsOf = (view: WeightsView, name: string): string[] | undefined =>
    viewText(view)
      .split("\n")
      .find((line) => line.startsWith(`│ ${hotkeyOf(name)}`))
      ?.split("│")
      .slice(2, -1)
      .map((cell) => cell.trim());

  it("are those of the judgement in force, from the validator's own folder", async () => {
    await assert.rejects(
      judgementInForce(stateDir, judge("Validator"), 0),
      /holds no judgement; give the state folder/,
    );
    const epochId = await addJudgement();
    const found = await judgementInForce(stateDir, judge("Validator"), inForceMs);
    assert.deepEqual([found.epochId, found.weights.length], [epochId, 3]);
    await assert.rejects(
      judgementInForce(stateDir, judge("Validator"), inForceMs - 1),
      /no judgement that is in force yet/,
    );
    await assert.rejects(
      judgementInForce(stateDir, judge("First"), inForceMs),
      new RegExp(`of ${hotkeyOf("Validator")} on local/1, but the settings say ${hotkeyOf("First")} on local/1`),
    );
  });

  it("are shown beside what the chain holds, set once, and shown as set", async () => {
    const signer = signerFromUri("//Validator");
    const nothing = await viewWeights(chain, signer, undefined, signal);
    assert.match(viewText(nothing), /weights set last: never.*\nno weights, neither judged nor on the chain$/);
    const { weights } = await judgementInForce(stateDir, judge("Validator"), inForceMs);
    const planned = await viewWeights(chain, signer, weights, signal);
    assert.deepEqual(planned.obstacles, []);
    assert.deepEqual(cellsOf(planned, "First"), ["1", "60.00 %", "65535", "-"]);
    assert.deepEqual(cellsOf(planned, "Second"), ["2", "30.00 %", "32768", "-"]);
    assert.deepEqual(cellsOf(planned, "Third"), ["3", "0.00 %", "0", "-"], "a zero, for the shortest row");
    assert.deepEqual(cellsOf(planned, "Gone"), ["gone", "10.00 %", "-", "-"]);

    const block = await setViewed(chain, signer, planned, signal);
    const held = await viewWeights(chain, signer, undefined, signal);
    assert.ok(viewText(held).includes(`weights set last: in block ${block};`));
    assert.deepEqual(cellsOf(held, "First"), ["1", "66.67 %", "65535", "65535"]);
    assert.deepEqual(cellsOf(held, "Second"), ["2", "33.33 %", "32768", "32768"]);
    const again = await viewWeights(chain, signer, weights, signal);
    assert.deepEqual(cellsOf(again, "First"), ["1", "60.00 %", "65535", "65535"]);
    assert.match(viewText(again), /PROBLEM the chain's rate limit: weights were set in block \d+/);
    assert.equal(await setViewed(chain, signer, again, signal), undefined);
  });

  it("are not set for nobody, nor by a stranger", async () => {
    const gone = [{ hotkey: hotkeyOf("Gone"), weightBps: 10_000 }];
    const { obstacles } = await viewWeights(chain, signerFromUri("//Stranger"), gone, signal);
    assert.equal(obstacles.length, 2);
    assert.match(obstacles.join(), /is not registered on subnet 1: register it,nobody who earned is registered/);
  });
});
