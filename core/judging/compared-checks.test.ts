import assert from "node:assert/strict";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { LossReason } from "../../gen/zipnet/v1/report_pb.js";
import { comparedChecks } from "./compared-checks.js";
import {
  CLOSE_MS,
  SEED_HASH,
  START_MS,
  checkFiles,
  exampleListing,
  exampleRules,
  readFile,
} from "./examples.test-support.js";
import { heuristicQualityBps } from "./quality.js";
import type { SubmissionCheck } from "./submission-check.js";

const rules = exampleRules({ maxListingsPerSecond: 10 });

/** A submission of listings that were read at these moments after the start. */
function readAt(hotkey: string, momentsMs: readonly number[], receivedMs = CLOSE_MS): Promise<SubmissionCheck> {
  const rows = momentsMs.map((momentMs, index) =>
    exampleListing(`${index + 1}`, "98101", { scrapedTime: timestampFromMs(START_MS + momentMs) }),
  );
  const files = new Map([["98101", readFile(hotkey, "98101", rows, receivedMs)]]);
  return checkFiles({ hotkey, files, receivedMs });
}

function comparedOne(check: SubmissionCheck): SubmissionCheck {
  const [found] = comparedChecks([check], rules, SEED_HASH);
  assert(found !== undefined);
  return found;
}

describe("comparedChecks", () => {
  it("lets a second's worth of rows be read in one moment, and what the rules allow in the time between", async () => {
    const atOnce = await readAt("a", Array<number>(10).fill(5_001));
    assert.equal(comparedOne(atOnce), atOnce);
    const spread = await readAt(
      "a",
      Array.from({ length: 30 }, (_, index) => index * 70),
    );
    assert.equal(comparedOne(spread), spread);
  });

  it("scales the quality of rows down that claim to be read faster than one miner can", async () => {
    const check = comparedOne(await readAt("a", Array<number>(40).fill(5_001)));
    assert.equal(heuristicQualityBps(check), 2_500);
    assert.deepEqual(
      check.findings.map(({ reason, detail, lostRowBps }) => [reason, detail, lostRowBps]),
      [[LossReason.RATE, "40 listings are said to be read within 0 ms, where 10 can be", 300_000]],
    );
  });

  it("marks the later of two that were read in the same moments, whatever their order", async () => {
    const moments = Array.from({ length: 40 }, (_, index) => 1_003 + 1_117 * index);
    const [first, second] = [await readAt("b", moments, CLOSE_MS - 1_000), await readAt("a", moments)];
    for (const checks of [
      [first, second],
      [second, first],
    ]) {
      const copies = comparedChecks(checks, rules, SEED_HASH).map(({ hotkey, copyOf }) => [hotkey, copyOf?.hotkey]);
      assert.deepEqual(copies.toSorted(), [
        ["a", "b"],
        ["b", undefined],
      ]);
    }
  });
});
