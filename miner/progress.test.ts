import assert from "node:assert/strict";
import { violationsOf } from "../core/constraints.js";
import { type Progress, ProgressPhase, ProgressSchema } from "../gen/zipnet/v1/submission_pb.js";
import { type MinerEvent, levelOf, noProgress, progressAfter, sentenceOf } from "./progress.js";

const epoch_id = "20261122T120000Z";
const started: MinerEvent = {
  event: "epoch_started",
  epoch_id,
  zip_codes: 2,
  close_time: "2026-11-22T16:00:00.000Z",
  scraped: 0,
  uploaded: 0,
  uploaded_bytes: 0,
  listings: 0,
};
const scraped = (zip_code: string, done: number): MinerEvent => ({
  event: "zip_code_scraped",
  epoch_id,
  zip_code,
  listings: 10,
  pages: 1,
  recalled: 0,
  foreign: 0,
  repeated: 0,
  hidden: 0,
  done,
  total: 2,
});
const uploaded = (zip_code: string, done: number): MinerEvent => ({
  event: "zip_code_uploaded",
  epoch_id,
  zip_code,
  bytes: 500,
  done,
  total: 2,
});
const blocked: MinerEvent = { event: "blocked", epoch_id, zip_code: "98103", reason: "HTTP 403" };
const sealed: MinerEvent = { event: "sealed", epoch_id, zip_codes: 2, missing: 0, listings: 20 };
const finalized: MinerEvent = {
  event: "finalized",
  epoch_id,
  received_time: "2026-11-22T13:00:00.000Z",
  position: 1,
  zip_codes: 2,
  listings: 20,
};

function after(...events: readonly MinerEvent[]): Progress {
  return events.reduce(progressAfter, noProgress(epoch_id));
}

function facts({ phase, zipCodesDone, zipCodesTotal, listings, uploadedObjects, uploadedBytes }: Progress): unknown[] {
  return [ProgressPhase[phase], zipCodesDone, zipCodesTotal, listings, uploadedObjects, Number(uploadedBytes)];
}

describe("a miner's progress", () => {
  it("counts what is scraped and uploaded, and names the phase", () => {
    const events = [started, scraped("98101", 1), uploaded("98101", 1), scraped("98103", 2), uploaded("98103", 2)];
    const seen = [...events, sealed, finalized].map((_, index, all) => facts(after(...all.slice(0, index + 1))));
    assert.deepEqual(seen, [
      ["SCRAPING", 0, 2, 0, 0, 0],
      ["SCRAPING", 1, 2, 10, 0, 0],
      ["SCRAPING", 1, 2, 10, 1, 500],
      ["UPLOADING", 2, 2, 20, 1, 500],
      ["UPLOADING", 2, 2, 20, 2, 1000],
      ["UPLOADING", 2, 2, 20, 2, 1000],
      ["FINALIZED", 2, 2, 20, 2, 1000],
    ]);
  });

  it("goes on from what was there before a restart", () => {
    const again = { ...started, scraped: 2, uploaded: 1, uploaded_bytes: 500, listings: 20 } as MinerEvent;
    assert.deepEqual(facts(after(again)), ["UPLOADING", 2, 2, 20, 1, 500]);
  });

  it("stays blocked while what there is is submitted", () => {
    const progress = after(started, scraped("98101", 1), blocked, uploaded("98101", 1), sealed);
    assert.deepEqual(facts(progress), ["BLOCKED", 1, 2, 10, 1, 500]);
    assert.match(progress.note, /98103.*HTTP 403/);
    assert.equal(after(started, blocked, finalized).phase, ProgressPhase.FINALIZED);
  });

  it("always is a message that the server takes, however long the reasons are", () => {
    const reason = "x".repeat(1000);
    const failing: MinerEvent[] = [
      { event: "zip_code_postponed", epoch_id, zip_code: "98103", doing: "upload", reason },
      { event: "zip_code_left_out", epoch_id, zip_code: "98103", reason },
      { event: "submission_postponed", epoch_id, reason },
      { event: "epoch_interrupted", epoch_id, reason },
      { ...blocked, reason },
      { event: "epoch_failed", epoch_id, reason },
    ];
    for (const event of [started, scraped("98103", 1), uploaded("98103", 1), sealed, finalized, ...failing]) {
      const progress = after(started, event);
      assert.deepEqual(violationsOf(ProgressSchema, progress), [], event.event);
      assert.ok(sentenceOf(event).includes(event.event.startsWith("zip") ? "98103" : ""), event.event);
    }
    assert.equal(after(started, ...failing.slice(-1)).phase, ProgressPhase.FAILED);
  });

  it("is louder the worse it is", () => {
    assert.equal(levelOf(finalized), "info");
    assert.equal(levelOf(blocked), "warn");
    assert.equal(levelOf({ event: "epoch_failed", epoch_id, reason: "" }), "error");
  });
});
