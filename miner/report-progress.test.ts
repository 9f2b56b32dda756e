import assert from "node:assert/strict";
import { manualClock } from "../adapters/clock/manual-clock.js";
import { START_MS } from "../core/samples.test-support.js";
import { noProgress } from "./progress.js";
import { progressReporter } from "./report-progress.js";
import { until } from "./run.test-support.js";

describe("telling the server of progress", () => {
  it("warns of a wrong clock once, and again when it is wrong otherwise", async () => {
    const clock = manualClock(START_MS);
    const told: unknown[] = [];
    const differencesMs = [0, 5_000, 5_300, 4_800, -9_000, -9_100, 100];
    let reports = 0;
    const server = {
      reportProgress: () => Promise.resolve(clock.now() + (differencesMs[reports++] ?? 0)),
    };
    const log = { debug() {}, info() {}, error() {}, warn: (facts: object) => told.push(facts) };
    const reporter = progressReporter({ server, clock, log });
    const [ended, stop] = [new AbortController(), new AbortController()];
    reporter.tell(noProgress("20261122T120000Z"));
    const running = reporter.run(ended.signal, stop.signal);
    for (let round = 1; round <= differencesMs.length; round += 1) {
      await until(() => reports === round);
      reporter.tell(noProgress("20261122T120000Z"));
      await clock.advanceTo(clock.now() + 3_000);
    }
    ended.abort();
    await running;
    assert.deepEqual(told, [
      { event: "clock_difference", difference_ms: 5_000 },
      { event: "clock_difference", difference_ms: -9_000 },
    ]);
  });
});
