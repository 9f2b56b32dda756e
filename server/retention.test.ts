import assert from "node:assert/strict";
import { ZipnetError } from "../core/errors.js";
import type { DataRetention, RetentionOutcome } from "../core/ports.js";
import { quietLog } from "../test/support/quiet-log.js";
import { FIRST_EPOCH, LENGTH_SECONDS } from "./keeper/world.test-support.js";
import { idOf } from "./calibration/judged-world.test-support.js";
import { type RetentionParts, keepDaysProblem, keepRetention } from "./retention.js";

const lengthMs = LENGTH_SECONDS * 1000;
const KEEP_DAYS = Math.ceil((10 * LENGTH_SECONDS) / 86_400) + 10;

/** A server of which only this much runs: a clock that never waits, so many epochs long, and what it logs. */
async function run(recorded: number | undefined, outcome: () => RetentionOutcome, keepDays = KEEP_DAYS, epochs = 1) {
  const abort = new AbortController();
  let nowMs = FIRST_EPOCH * lengthMs + 1_000;
  const endMs = nowMs + epochs * lengthMs;
  const told: Record<string, unknown>[] = [];
  const keep = (facts: object): void => void told.push(facts as Record<string, unknown>);
  const oldestKept: number[] = [];
  const store: DataRetention = {
    apply(rule, dryRun) {
      assert.equal(dryRun, false);
      let number = FIRST_EPOCH + epochs;
      while (!rule.mayDelete(idOf(number))) number -= 1;
      oldestKept.push(number + 1);
      return Promise.resolve().then(outcome);
    },
  };
  const clock = {
    now: () => nowMs,
    sleepUntil(timeMs: number): Promise<void> {
      nowMs = timeMs;
      if (nowMs >= endMs) abort.abort();
      return Promise.resolve();
    },
  };
  const newest = recorded === undefined ? undefined : { epoch: { number: recorded } };
  const parts = {
    clock,
    deployment: { epochLengthSeconds: LENGTH_SECONDS },
    epochs: { newestEpoch: () => Promise.resolve(newest) },
    log: { ...quietLog, info: keep, warn: keep },
  } as unknown as RetentionParts;
  await keepRetention(parts, { store, keepDays }, abort.signal);
  return { told, oldestKept };
}

describe("keepRetention", () => {
  const days = Math.ceil((KEEP_DAYS * 86_400) / LENGTH_SECONDS);

  it("sweeps once per epoch, and tells what went", async () => {
    const gone = [
      { epochId: "20261101T000000Z", objects: 3, bytes: 30 },
      { epochId: "20261101T040000Z", objects: 4, bytes: 40 },
    ];
    const { told, oldestKept } = await run(FIRST_EPOCH, () => ({ kind: "sweep", epochs: gone }), KEEP_DAYS, 2);
    assert.equal(oldestKept.length, 2);
    assert.deepEqual(oldestKept[0], FIRST_EPOCH - days);
    const facts = {
      epochs: 2,
      objects: 7,
      bytes: 70,
      first_epoch_id: gone[0]?.epochId,
      last_epoch_id: gone[1]?.epochId,
    };
    assert.deepEqual(told[0], { event: "listings_deleted", ...facts });
  });

  it("goes by the records where the clock is ahead, and by the clock where the records are", async () => {
    const nothing = (): RetentionOutcome => ({ kind: "sweep", epochs: [] });
    assert.deepEqual((await run(FIRST_EPOCH - 40, nothing)).oldestKept, [FIRST_EPOCH - 40 - days]);
    assert.deepEqual((await run(FIRST_EPOCH + 40, nothing)).oldestKept, [FIRST_EPOCH - days]);
    assert.deepEqual(await run(undefined, nothing), { told: [], oldestKept: [] });
  });

  it("tells of a bucket's rule when it had to be set, and does nothing for 0 days", async () => {
    const { told } = await run(FIRST_EPOCH, () => ({ kind: "lifecycle", changes: true }));
    assert.deepEqual(told, [{ event: "lifecycle_set", keep_days: KEEP_DAYS }]);
    assert.deepEqual((await run(FIRST_EPOCH, () => ({ kind: "lifecycle", changes: false }))).told, []);
    assert.deepEqual((await run(FIRST_EPOCH, () => assert.fail(), 0)).oldestKept, []);
  });

  it("tries again in the next epoch what failed", async () => {
    const away = (): RetentionOutcome => {
      throw new ZipnetError("UNAVAILABLE", "away");
    };
    const { told, oldestKept } = await run(FIRST_EPOCH, away, KEEP_DAYS, 3);
    assert.equal(oldestKept.length, 3);
    assert.deepEqual(
      told.map(({ event }) => event),
      ["retention_failed", "retention_failed", "retention_failed"],
    );
  });
});

describe("keepDaysProblem", () => {
  it("asks for the last closed epochs to be kept", () => {
    assert.equal(keepDaysProblem(0, 14_400), undefined);
    assert.equal(keepDaysProblem(2, 14_400), undefined);
    assert.match(keepDaysProblem(1, 14_400) ?? "", /is 1, but must be 0 or 2 at least, so that the last 6 closed/);
  });
});
