import assert from "node:assert/strict";
import { manualClock } from "../adapters/clock/manual-clock.js";
import type { Log } from "../core/ports.js";
import { START_MS } from "../core/samples.test-support.js";
import { showingLog } from "./display.js";
import type { MinerEvent } from "./progress.js";
import { until } from "./run.test-support.js";

const epoch_id = "20261122T120000Z";
const LINE =
  "epoch 20261122T120000Z: 2 of 4 zip codes, 2 pages, 130 listings, 3.0 per s, 1.5 kB up, 20 s left, closes in 1 h 39 min";

const started: MinerEvent = {
  event: "epoch_started",
  epoch_id,
  zip_codes: 4,
  close_time: new Date(START_MS + 6_000_000).toISOString(),
  scraped: 1,
  uploaded: 1,
  uploaded_bytes: 500,
  listings: 100,
};
const scraped: MinerEvent = {
  event: "zip_code_scraped",
  epoch_id,
  zip_code: "98101",
  listings: 30,
  pages: 2,
  recalled: 0,
  foreign: 0,
  repeated: 0,
  hidden: 0,
  done: 2,
  total: 4,
};
const worked: readonly MinerEvent[] = [
  { event: "page_read", epoch_id, zip_code: "98101", listings: 20 },
  { event: "page_read", epoch_id, zip_code: "98101", listings: 10 },
  { event: "zip_code_postponed", epoch_id, zip_code: "98101", doing: "scrape", reason: "away" },
  { event: "page_read", epoch_id: "20261122T080000Z", zip_code: "98101", listings: 10 },
  scraped,
  { event: "zip_code_uploaded", epoch_id, zip_code: "98101", bytes: 1000, done: 2, total: 4 },
];
const finalized: MinerEvent = {
  event: "finalized",
  epoch_id,
  received_time: "2026-11-22T12:01:00.000Z",
  position: 1,
  zip_codes: 4,
  listings: 130,
};

/** A display with what it wrote where, in order. */
function open(isTTY: boolean, columns = 200) {
  const clock = manualClock(START_MS);
  const written: string[] = [];
  const note =
    (level: string) =>
    (facts: object, message: string): void => {
      written.push(
        `${level}: ${"event" in facts && facts.event === "epoch_progress" ? JSON.stringify(facts) : message}`,
      );
    };
  const log: Log = { debug() {}, info: note("info"), warn: note("warn"), error: note("error") };
  const shown = showingLog(log, { isTTY, columns, write: (text) => written.push(text) }, clock);
  return { clock, written, shown };
}

describe("the display of a miner's progress", () => {
  it("draws one line in place in a terminal, below the log, and takes it away in the end", async () => {
    const { clock, written, shown } = open(true);
    const stop = new AbortController();
    const showing = shown.show(stop.signal);
    shown.info(started, "started");
    for (const event of worked) shown.debug(event, "");
    written.length = 0;
    await clock.advanceTo(START_MS + 10_000);
    await until(() => written.length > 0);
    assert.equal(written.at(-1), `\r\u001b[K${LINE}`);
    written.length = 0;
    shown.warn({ event: "zip_code_postponed", epoch_id }, "later");
    assert.deepEqual(written, ["\r\u001b[K", "warn: later", `\r\u001b[K${LINE}`]);
    shown.info(finalized, "done");
    written.length = 0;
    stop.abort();
    await showing;
    assert.deepEqual(written, ["\r\u001b[K"]);
  });

  it("never draws a line that the terminal would break", () => {
    const { written, shown } = open(true, 40);
    shown.info(started, "started");
    assert.equal(written.at(-1)?.length, "\r\u001b[K".length + 39);
  });

  it("tells a line of the log every minute elsewhere, while there is work, and draws nothing", async () => {
    const { clock, written, shown } = open(false);
    const stop = new AbortController();
    const showing = shown.show(stop.signal);
    shown.info(started, "started");
    for (const event of worked) shown.debug(event, "");
    await clock.advanceTo(START_MS + 60_000);
    await until(() => written.length === 2);
    assert.deepEqual(JSON.parse(written[1]?.slice("info: ".length) ?? ""), {
      event: "epoch_progress",
      epoch_id,
      done: 2,
      total: 4,
      pages: 2,
      listings: 130,
      listings_per_second: 0.5,
      uploaded_bytes: 1500,
      left_ms: 120_000,
    });
    shown.info(finalized, "done");
    await clock.advanceTo(START_MS + 180_000);
    stop.abort();
    await showing;
    assert.deepEqual(written.slice(2), ["info: done"]);
  });
});
