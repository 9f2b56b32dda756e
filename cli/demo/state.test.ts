import assert from "node:assert/strict";
import { liveLines, newsLines } from "./live.js";
import type { ProgramEvent } from "./processes.js";
import { type DemoState, afterEvent, initialState, weightsInForceFrom } from "./state.js";

const EPOCHS = ["20261122T120000Z", "20261122T120040Z"];
const START_MS = Date.parse("2026-11-22T12:00:00Z");
const STARTS_MS = [START_MS, START_MS + 40_000];
const WHO = { miners: ["swift", "partial"], validators: ["validator-1", "validator-2"] };

function after(state: DemoState, program: string, event: string, facts: object): DemoState {
  const programEvent: ProgramEvent = { program, event, facts: { epoch_id: EPOCHS[0], ...facts } };
  return afterEvent(state, programEvent, WHO, (id) => STARTS_MS[EPOCHS.indexOf(id)] ?? Number.NaN);
}

function scraped(): DemoState {
  let state = initialState(EPOCHS);
  state = after(state, "swift", "epoch_started", { zip_codes: 3 });
  state = after(state, "swift", "zip_code_scraped", { listings: 100, done: 1, total: 3 });
  state = after(state, "swift", "zip_code_uploaded", {});
  return after(state, "swift", "zip_code_scraped", { listings: 50, done: 2, total: 3 });
}

describe("demo state", () => {
  it("adds up a miner's work", () => {
    assert.deepEqual(scraped().epochs[0]?.miners.swift, { done: 2, total: 3, listings: 150, uploaded: 1 });
  });

  it("measures a receipt from the epoch's start", () => {
    const state = after(scraped(), "swift", "finalized", { received_time: "2026-11-22T12:00:09.500Z" });
    assert.equal(state.epochs[0]?.miners.swift?.receiptAfterMs, 9500);
  });

  it("ignores other epochs and other programs", () => {
    const state = scraped();
    assert.equal(after(state, "swift", "zip_code_uploaded", { epoch_id: "20261122T115920Z" }), state);
    assert.deepEqual(after(state, "server", "epoch_opened", {}), state);
  });

  it("knows the weights in force once every validator has set them, by the first setting of each", () => {
    let state = after(scraped(), "validator-1", "weights_set", { block: 80 });
    assert.equal(weightsInForceFrom(state.epochs[0] ?? assert.fail(), WHO.validators), undefined);
    state = after(state, "validator-2", "weights_set", { block: 84 });
    state = after(state, "validator-1", "weights_set", { block: 99 });
    assert.equal(weightsInForceFrom(state.epochs[0] ?? assert.fail(), WHO.validators), 84);
  });
});

describe("demo view", () => {
  it("shows clock and miners of the running epoch", () => {
    const text = liveLines(scraped(), STARTS_MS, 40_000, START_MS + 10_000).join("\n");
    assert.match(text, /epoch 1 of 2 {2}20261122T120000Z {2}\[█████░+\] 30\.0 s left/);
    assert.match(text, /swift .*█{13}░{7} 2\/3 zip codes, 150 listings, 1 uploaded/);
    assert.doesNotMatch(text, /validator/);
  });

  it("shows the judging of the epoch before, also after the last", () => {
    const snapshot = after(scraped(), "validator-2", "snapshot", { receipts: 2 });
    const state = after(snapshot, "validator-2", "spot_check", {});
    const during = liveLines(state, STARTS_MS, 40_000, START_MS + 41_000).join("\n");
    assert.match(during, /validator-2 +judges 20261122T120000Z +2 submissions, 1 miners spot checked/);
    const end = liveLines(state, STARTS_MS, 40_000, START_MS + 81_000).join("\n");
    assert.match(end, /all 2 epochs have closed\n.*judges 20261122T120040Z/s);
    assert.match(liveLines(state, STARTS_MS, 40_000, START_MS - 2_000)[0] ?? "", /starts in 2\.0 s/);
  });

  it("tells as news each step that a person would tell, and nothing twice", () => {
    const before = scraped();
    const next = after(before, "swift", "zip_code_scraped", { listings: 10, done: 3, total: 3 });
    assert.deepEqual(newsLines(before, next), ["20261122T120000Z  swift: 3/3 zip codes, 160 listings"]);
    assert.deepEqual(newsLines(next, after(next, "swift", "zip_code_uploaded", {})), []);
    const receipt = after(next, "swift", "finalized", { received_time: "2026-11-22T12:00:09.500Z" });
    assert.deepEqual(newsLines(next, receipt), ["20261122T120000Z  swift: 160 listings, receipt after 9.5 s"]);
    assert.deepEqual(newsLines(receipt, receipt), []);
  });
});
