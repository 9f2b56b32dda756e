import assert from "node:assert/strict";
import { memoryState } from "../../adapters/state/memory-state.js";
import { CLOSE_MS, exampleListing } from "../../core/judging/examples.test-support.js";
import type { LocalState, LookUp } from "../../core/ports.js";
import { type Evidence, ListingVerdict } from "../../gen/zipnet/v1/report_pb.js";
import { quietLog } from "../../test/support/quiet-log.js";
import { EPOCH_ID, hurriedClock } from "../scripted-epoch.test-support.js";
import { spotCheck } from "./spot-check.js";
import { workStore } from "./work-store.js";

const never = new AbortController().signal;
const { FAIL, PASS, UNKNOWN } = ListingVerdict;
const DOUBT_MS = 30_000;
const LISTING = exampleListing("4711");

type Answer = "shown" | "absent" | "silent";

/** Checks one listing; the source answers one after the other. Resolves with the evidence and the times of the look-ups. */
async function check(answers: readonly Answer[], state: LocalState = memoryState(), deadlineMs = CLOSE_MS + 3_600_000) {
  const clock = hurriedClock(CLOSE_MS);
  const left = [...answers];
  const times: number[] = [];
  const lookUp = (): Promise<LookUp> => {
    const answer = left.shift() ?? assert.fail("one look-up too many");
    times.push(clock.now());
    const seen = { url: "http://127.0.0.1/4711", fetchedTimeMs: clock.now(), pageSha256: "" };
    if (answer === "shown") return Promise.resolve({ ...seen, httpStatus: 200, outcome: "found", listing: LISTING });
    if (answer === "absent") return Promise.resolve({ ...seen, httpStatus: 404, outcome: "absent" });
    return Promise.resolve({ ...seen, httpStatus: 0, outcome: "unreachable", note: "no answer" });
  };
  const parts = { clock, log: quietLog, source: { lookUp } };
  const options = { parts, work: workStore(state, EPOCH_ID), concurrency: 1, deadlineMs, doubtMs: DOUBT_MS };
  const rows = [{ zipCode: "98101", listingId: "4711", submitted: LISTING }];
  const [evidence = assert.fail()]: Evidence[] = await spotCheck("5Miner", rows, options, never);
  assert.deepEqual(left, [], "look-ups that were not made");
  return { evidence, times };
}

describe("spotCheck", () => {
  it("passes at once what the source shows, with what it read", async () => {
    const { evidence } = await check(["shown"]);
    assert.deepEqual([evidence.verdict, evidence.lookUps], [PASS, 1]);
    assert.deepEqual(evidence.observed, LISTING);
  });

  it("fails what is absent twice, the second time a while later", async () => {
    const { evidence, times } = await check(["absent", "absent"]);
    assert.deepEqual([evidence.verdict, evidence.lookUps, evidence.observed], [FAIL, 2, undefined]);
    assert.ok((times[1] ?? 0) - (times[0] ?? 0) >= DOUBT_MS);
  });

  it("believes the second look-up when it shows the listing", async () => {
    const { evidence } = await check(["absent", "shown"]);
    assert.deepEqual([evidence.verdict, evidence.lookUps], [PASS, 2]);
  });

  it("asks again for the second look-up until it is answered", async () => {
    // The third only finds out whether the source is back.
    const { evidence } = await check(["absent", "silent", "absent", "absent"]);
    assert.deepEqual([evidence.verdict, evidence.lookUps], [FAIL, 3]);
  });

  it("fails nobody for what was seen once, and does not wait beyond the deadline to see it again", async () => {
    const unseen = await check(["absent", "silent"], memoryState(), CLOSE_MS + 1_000);
    assert.deepEqual([unseen.evidence.verdict, unseen.evidence.lookUps], [UNKNOWN, 2]);
    const { evidence, times } = await check(["absent", "absent"], memoryState(), CLOSE_MS + 1_000);
    assert.equal(evidence.verdict, FAIL);
    assert.equal((times[1] ?? 0) - (times[0] ?? 0), 1_000);
  });

  it("goes on with the second look-up after a restart, and repeats no finding", async () => {
    const state = memoryState();
    await assert.rejects(check(["absent"], state), /one look-up too many/);
    const { evidence } = await check(["absent"], state);
    assert.deepEqual([evidence.verdict, evidence.lookUps], [FAIL, 2]);
    assert.deepEqual((await check([], state)).evidence, evidence);
  });
});
