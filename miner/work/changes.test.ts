import assert from "node:assert/strict";
import { foundUnreachable, scrapedInFull } from "./changes.js";
import { nextStep } from "./plan.js";
import { sampleWork } from "./plan.test-support.js";

const TIMES = { startMs: 0, closeMs: 14_400_000 };

describe("a source that gives nothing", () => {
  const names = Array.from({ length: 40 }, (_, index) => String(10_001 + index));
  const fresh = sampleWork(TIMES, names.map((name) => [name, {}] as const), { concurrency: 8 }); // prettier-ignore

  it("is asked by one search at a time, after pauses that double to five minutes", () => {
    let work = fresh;
    const pauses: number[] = [];
    for (const name of names.slice(0, 14)) {
      work = foundUnreachable(work, name, false, 1_000_000, 0);
      pauses.push(Math.max(0, work.sourceNotBeforeMs - 1_000_000) / 1_000);
    }
    assert.deepEqual(pauses, [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    assert.deepEqual(nextStep(work, 1_000_000), { kind: "wait", untilMs: 1_300_000 });
    const probe = nextStep(work, 1_300_000);
    assert.ok(probe.kind === "scrape");
    const busy = new Map(work.zipCodes);
    busy.set(probe.zipCode, { ...(busy.get(probe.zipCode) ?? assert.fail()), busy: true });
    assert.equal(nextStep({ ...work, zipCodes: busy }, 1_300_000).kind, "wait");
  });

  it("is asked as before once a search gets on", () => {
    let work = fresh;
    for (const name of names.slice(0, 5)) work = foundUnreachable(work, name, false, 1_000, 0);
    assert.equal(scrapedInFull(work, "10040", 1).fruitlessInARow, 0);
    assert.equal(foundUnreachable(work, "10039", true, 1_000, 0).fruitlessInARow, 0);
  });
});
