import assert from "node:assert/strict";
import fc from "fast-check";
import { begun, postponed, putDown, reached, submissionPostponed } from "./changes.js";
import { sampleWork } from "./plan.test-support.js";
import {
  type EpochWork,
  type Step,
  type ZipCodeWork,
  coveredCount,
  deadlinesOf,
  nextStep,
  retryDelayMs,
} from "./plan.js";

const START_MS = 1_000_000_000;
const CLOSE_MS = START_MS + 600_000;
/** 2 percent of ten minutes. */
const SCRAPE_UNTIL_MS = CLOSE_MS - 12_000;
const UPLOAD_UNTIL_MS = CLOSE_MS - 6_000;

function workOn(zipCodes: Record<string, Partial<ZipCodeWork>>, more: Partial<EpochWork> = {}): EpochWork {
  const named = Object.entries(zipCodes).map(([zipCode, own]) => [`z${zipCode}`, own] as const);
  return sampleWork({ startMs: START_MS, closeMs: CLOSE_MS }, named, more);
}

const busy = { busy: true };
const scraped = { stage: "upload" } as const;
const uploaded = { stage: "uploaded" } as const;
const leftOut = { stage: "left_out" } as const;

describe("the plan of an epoch", () => {
  const cases: readonly [string, EpochWork, number, Step][] = [
    ["scrapes the first zip code", workOn({ 2: {}, 1: {} }), 0, { kind: "scrape", zipCode: "z1" }],
    [
      "scrapes in the assignment's order",
      workOn({ b: {}, a: {} }, { concurrency: 2 }),
      0,
      { kind: "scrape", zipCode: "zb" },
    ],
    ["keeps to the concurrency", workOn({ a: busy, b: {} }), 0, { kind: "wait", untilMs: SCRAPE_UNTIL_MS }],
    [
      "uses all of the concurrency",
      workOn({ a: busy, b: {} }, { concurrency: 2 }),
      0,
      { kind: "scrape", zipCode: "zb" },
    ],
    ["uploads before it scrapes on", workOn({ a: scraped, b: {} }), 0, { kind: "upload", zipCode: "za" }],
    [
      "scrapes on while it uploads",
      workOn({ a: { ...scraped, busy: true }, b: {} }),
      0,
      { kind: "scrape", zipCode: "zb" },
    ],
    [
      "repeats nothing that is finished",
      workOn({ a: uploaded, b: leftOut, c: {} }),
      0,
      { kind: "scrape", zipCode: "zc" },
    ],
    [
      "takes another zip code while one has to wait",
      workOn({ a: { failures: 1, notBeforeMs: START_MS + 500 }, b: {} }),
      0,
      { kind: "scrape", zipCode: "zb" },
    ],
    [
      "waits for the first zip code that is due",
      workOn({ a: { failures: 2, notBeforeMs: START_MS + 900 }, b: { failures: 1, notBeforeMs: START_MS + 500 } }),
      0,
      { kind: "wait", untilMs: START_MS + 500 },
    ],
    ["seals once all is uploaded", workOn({ a: uploaded, b: uploaded }), 0, { kind: "seal" }],
    ["seals what there is when others were left out", workOn({ a: uploaded, b: leftOut }), 0, { kind: "seal" }],
    [
      "seals what it has when the source stopped it",
      workOn({ a: uploaded, b: {} }, { sourceStopped: "a challenge" }),
      0,
      { kind: "seal" },
    ],
    [
      "uploads the rest after the source stopped it",
      workOn({ a: scraped, b: {} }, { sourceStopped: "a challenge" }),
      0,
      { kind: "upload", zipCode: "za" },
    ],
    [
      "stops scraping when the close is near, but uploads on",
      workOn({ a: uploaded, b: {}, c: { ...scraped, busy: true } }),
      588_000,
      { kind: "wait", untilMs: UPLOAD_UNTIL_MS },
    ],
    ["scrapes to the last moment", workOn({ a: uploaded, b: {} }), 587_999, { kind: "scrape", zipCode: "zb" }],
    ["seals what it has when the close is near", workOn({ a: uploaded, b: {} }), 588_000, { kind: "seal" }],
    [
      "seals without the uploads that are late",
      workOn({ a: uploaded, b: { ...scraped, busy: true } }),
      594_000,
      { kind: "seal" },
    ],
    [
      "uploads to the close when it has nothing yet",
      workOn({ a: scraped }),
      599_999,
      { kind: "upload", zipCode: "za" },
    ],
    ["finalizes what is sealed", workOn({ a: uploaded, b: {} }, { submission: "sealed" }), 0, { kind: "finalize" }],
    [
      "waits before it finalizes again",
      workOn({ a: uploaded }, { submission: "sealed", notBeforeMs: START_MS + 700 }),
      0,
      { kind: "wait", untilMs: START_MS + 700 },
    ],
    [
      "asks for the receipt of a sealed submission after the close",
      workOn({ a: uploaded }, { submission: "sealed" }),
      600_000,
      { kind: "ask_for_receipt" },
    ],
    [
      "asks for the receipt when the server takes nothing more",
      workOn({ a: scraped }, { askForReceipt: true }),
      0,
      { kind: "ask_for_receipt" },
    ],
    [
      "is done with a receipt, even after the close",
      workOn({ a: {} }, { submission: "receipted" }),
      700_000,
      { kind: "done" },
    ],
    [
      "gives up what failed",
      workOn({ a: uploaded }, { failed: "the manifest is refused" }),
      0,
      { kind: "give_up", reason: "the manifest is refused" },
    ],
  ];
  for (const [name, work, elapsedMs, step] of cases) {
    it(name, () => assert.deepEqual(nextStep(work, START_MS + elapsedMs), step));
  }

  it("gives up, with the reason, when there is nothing to submit", () => {
    const reason = (work: EpochWork, elapsedMs: number): string => {
      const step = nextStep(work, START_MS + elapsedMs);
      return step.kind === "give_up" ? step.reason : step.kind;
    };
    assert.match(reason(workOn({ a: {} }), 588_000), /close came near/);
    assert.match(reason(workOn({ a: {} }), 600_000), /closed before/);
    assert.match(reason(workOn({ a: uploaded }), 600_000), /closed before/);
    assert.match(reason(workOn({ a: leftOut }), 0), /left out/);
    assert.match(reason(workOn({ a: {} }, { sourceStopped: "HTTP 403" }), 0), /stopped: HTTP 403/);
  });

  it("gives up a tenth that was out of reach for a twentieth of the epoch, for the speed of the rest", () => {
    const names = Array.from({ length: 9 }, (_, index) => String(index));
    const rest = Object.fromEntries(names.map((name) => [name, uploaded]));
    const dead = { failures: 3, failingSinceMs: START_MS, notBeforeMs: START_MS + 40_000 };
    const at = (zip: Partial<ZipCodeWork>, elapsedMs: number): string =>
      nextStep(workOn({ ...rest, dead: zip }), START_MS + elapsedMs).kind;
    assert.equal(at(dead, 29_999), "wait");
    assert.equal(at(dead, 30_000), "seal");
    assert.equal(at({ ...dead, failures: 2 }, 30_000), "wait");
    assert.equal(at({ ...dead, busy: true }, 30_000), "wait");
    assert.equal(at({ ...dead, stage: "upload" }, 30_000), "wait");
    const { 0: _, ...eight } = rest;
    assert.equal(nextStep(workOn({ ...eight, dead }), START_MS + 30_000).kind, "wait");
  });

  it("states its margins: 2 percent, at least 3 seconds, uploads half of it longer", () => {
    const marginMs = (lengthMs: number, handInMs?: number): number[] => {
      const { scrapeUntilMs, uploadUntilMs } = deadlinesOf({ startMs: 0, closeMs: lengthMs, handInMs });
      return [lengthMs - scrapeUntilMs, lengthMs - uploadUntilMs];
    };
    assert.deepEqual(marginMs(14_400_000), [288_000, 144_000]);
    assert.deepEqual(marginMs(60_000), [3_000, 1_500]);
    // What handing in took before moves it, within bounds.
    assert.deepEqual(marginMs(14_400_000, 2_000), [72_000, 36_000]);
    assert.deepEqual(marginMs(14_400_000, 100_000), [400_000, 200_000]);
    assert.deepEqual(marginMs(14_400_000, 3_600_000), [1_440_000, 720_000]);
    assert.deepEqual(marginMs(30_000, 20_000), [3_000, 1_500]);
  });

  it("covers what the operator means to, rounded up", () => {
    assert.deepEqual(
      [100, 50, 49, 1].map((percent) => coveredCount(5, percent)),
      [5, 3, 3, 1],
    );
  });

  it("waits longer with every failure, up to a minute or a twentieth of the epoch", () => {
    const delays = (lengthMs: number, random: number): number[] =>
      [1, 2, 3, 8, 60].map((failures) => retryDelayMs({ startMs: 0, closeMs: lengthMs }, failures, random));
    assert.deepEqual(delays(14_400_000, 0), [1000, 2000, 4000, 60_000, 60_000]);
    assert.deepEqual(delays(60_000, 0), [1000, 2000, 3000, 3000, 3000]);
    assert.deepEqual(delays(14_400_000, 1), [500, 1000, 2000, 30_000, 30_000]);
  });
});

/** Runs the plan against a world that answers each step as the script says; returns what was done. */
function simulate(
  script: readonly number[],
  zipCodeCount: number,
  concurrency: number,
): { work: EpochWork; steps: Step[] } {
  let at = 0;
  const next = (bound: number): number => (script[at++ % script.length] ?? 0) % bound;
  const names = Array.from({ length: zipCodeCount }, (_, index) => [String(index), {}] as const);
  let work = workOn(Object.fromEntries(names), { concurrency });
  let nowMs = START_MS;
  const steps: Step[] = [];
  const underWay: { kind: "scrape" | "upload"; zipCode: string }[] = [];
  for (let turn = 0; turn < 5000; turn += 1) {
    const step = nextStep(work, nowMs);
    steps.push(step);
    if (step.kind === "done" || step.kind === "give_up") break;
    if (step.kind === "scrape" || step.kind === "upload") {
      assert.ok(!work.zipCodes.get(step.zipCode)?.busy, "what is under way is not begun again");
      assert.equal(work.zipCodes.get(step.zipCode)?.stage, step.kind);
      if (step.kind === "scrape") assert.ok(nowMs < SCRAPE_UNTIL_MS, "nothing is scraped when the close is near");
      work = begun(work, step.zipCode);
      underWay.push({ kind: step.kind, zipCode: step.zipCode });
      assert.ok(underWay.filter(({ kind }) => kind === "scrape").length <= concurrency);
    } else if (step.kind === "wait") {
      assert.ok(step.untilMs > nowMs || underWay.length > 0, "a wait ends");
      const ending = underWay.splice(next(Math.max(1, underWay.length)), 1)[0];
      if (ending === undefined) {
        nowMs = step.untilMs;
      } else {
        nowMs += 1000 + next(20_000);
        const fate = next(5);
        if (fate === 0) work = postponed(work, ending.zipCode, nowMs, 0.5);
        else if (fate === 1) work = putDown(work, ending.zipCode);
        else if (fate === 2 && next(4) === 0) work = reached(work, ending.zipCode, "left_out");
        else work = reached(work, ending.zipCode, ending.kind === "scrape" ? "upload" : "uploaded");
      }
    } else if (step.kind === "seal") {
      for (const { zipCode } of underWay.splice(0)) work = putDown(work, zipCode);
      work = { ...work, submission: "sealed" };
    } else {
      const taken = nowMs < CLOSE_MS && next(3) > 0;
      if (taken) work = { ...work, submission: "receipted" };
      else if (step.kind === "ask_for_receipt") work = { ...work, failed: "no receipt" };
      else work = submissionPostponed(work, (nowMs += next(3000)), 0.5);
    }
  }
  return { work, steps };
}

describe("the plan of an epoch, whatever happens", () => {
  it("ends, with a receipt or a reason, and seals once, when at least one zip code is uploaded", () => {
    const scripts = fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(scripts, fc.integer({ min: 1, max: 15 }), fc.integer({ min: 1, max: 4 }), (script, count, at) => {
        const { work, steps } = simulate(script, count, at);
        const last = steps.at(-1)?.kind;
        assert.ok(last === "done" || last === "give_up", `the last step is ${last}`);
        const seals = steps.filter(({ kind }) => kind === "seal").length;
        const anyUploaded = [...work.zipCodes.values()].some(({ stage }) => stage === "uploaded");
        assert.ok(seals <= 1);
        if (seals === 1) assert.ok(anyUploaded);
        if (last === "done") assert.equal(seals, 1);
      }),
      { numRuns: 300 },
    );
  });
});
