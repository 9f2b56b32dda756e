import assert from "node:assert/strict";
import { manualClock } from "../../clock/manual-clock.js";
import { ZipnetError } from "../../../core/errors.js";
import type { ErrorReason } from "../../../core/errors.js";
import type { LookUp, PageReader } from "../../../core/ports.js";
import { challengePage } from "../site/pages.js";
import { zillowShapedSource } from "./source.js";

const ORIGIN = "https://homes.example";
const START_MS = 1_795_000_000_000;
const { signal } = new AbortController();

type Answer = { status: number; html?: string } | ErrorReason;

/** A source whose site gives these answers in turn, the last one for ever. */
function sourceWith(retries: number, ...answers: Answer[]) {
  const asked: { url: string; timeMs: number }[] = [];
  const clock = manualClock(START_MS);
  const pages: PageReader = {
    async read(url) {
      asked.push({ url, timeMs: clock.now() });
      const answer = answers[Math.min(asked.length, answers.length) - 1] ?? "UNAVAILABLE";
      if (typeof answer === "string") throw new ZipnetError(answer, `answer ${answer}`);
      return { url, status: answer.status, html: answer.html ?? "" };
    },
    close: async () => {},
  };
  return { source: zillowShapedSource({ origin: ORIGIN, pages, clock, retries }), asked, clock };
}

async function firstPage({ source }: ReturnType<typeof sourceWith>): Promise<unknown> {
  for await (const page of source.search("02138", signal)) return page;
  return undefined;
}

/** Lets time run until the promise is settled. */
async function letTimeRun<T>(clock: ReturnType<typeof manualClock>, promise: Promise<T>): Promise<T> {
  const state = { settled: false };
  const watched = promise.finally(() => (state.settled = true));
  watched.catch(() => {});
  while (!state.settled) await clock.advanceTo(clock.now() + 500);
  return watched;
}

function reasonIs(reason: ErrorReason): (error: unknown) => boolean {
  return (error) => error instanceof ZipnetError && error.reason === reason;
}

describe("zillowShapedSource, answers that are no pages", () => {
  it("stops at a challenge or a refusal at once, whatever the retries", async () => {
    const refusals: Answer[] = [
      { status: 200, html: challengePage() },
      { status: 403 },
      { status: 200, html: "<html><h1>Press & Hold</h1></html>" },
    ];
    for (const answer of refusals) {
      const setup = sourceWith(5, answer);
      await assert.rejects(firstPage(setup), reasonIs("SOURCE_BLOCKED"));
      assert.equal(setup.asked.length, 1);
    }
  });

  it("tries again after failures of the site, each time after a longer wait, then gives up", async () => {
    const setup = sourceWith(3, { status: 503 }, "UNAVAILABLE", { status: 500 });
    await assert.rejects(letTimeRun(setup.clock, firstPage(setup)), reasonIs("UNAVAILABLE"));
    assert.deepEqual(
      setup.asked.map(({ timeMs }) => timeMs - START_MS),
      [0, 1_000, 3_000, 7_000],
    );
  });

  it("waits where it was told that there were too many requests", async () => {
    const setup = sourceWith(1, { status: 429 }, { status: 404 });
    assert.equal((await letTimeRun(setup.clock, setup.source.lookUp("17", signal))).outcome, "absent");
  });

  it("takes a page that was cut off for a failure of the site, not for a change", async () => {
    const cutOff = { status: 200, html: '<html><body><script id="__NEXT_DATA__">{"props":{"pag' };
    const setup = sourceWith(1, cutOff);
    await assert.rejects(letTimeRun(setup.clock, firstPage(setup)), /was cut off after 53 characters/);
    assert.equal(setup.asked.length, 2);
  });

  it("goes on when a retry succeeds", async () => {
    const setup = sourceWith(1, { status: 503 }, { status: 404 });
    const lookUp = await letTimeRun(setup.clock, setup.source.lookUp("17", signal));
    assert.equal(lookUp.outcome, "absent");
    assert.equal(setup.asked.length, 2);
  });

  it("passes on that robots.txt forbids, without a retry", async () => {
    const setup = sourceWith(5, "SOURCE_DISALLOWED");
    await assert.rejects(firstPage(setup), reasonIs("SOURCE_DISALLOWED"));
    assert.equal(setup.asked.length, 1);
  });

  it("calls a search page that is not there a change of the source", async () => {
    await assert.rejects(firstPage(sourceWith(0, { status: 404 })), reasonIs("SOURCE_CHANGED"));
  });
});

describe("zillowShapedSource, looking up", () => {
  it("says that nothing can be said, and why, instead of throwing", async () => {
    const cases: readonly (readonly [Answer, number, RegExp])[] = [
      [{ status: 503, html: "x" }, 503, /UNAVAILABLE.*503/],
      [{ status: 403, html: "x" }, 403, /SOURCE_BLOCKED/],
      [{ status: 200, html: challengePage() }, 200, /SOURCE_BLOCKED/],
      [{ status: 200, html: "<html></html>" }, 200, /SOURCE_CHANGED.*__NEXT_DATA__/],
      ["UNAVAILABLE", 0, /UNAVAILABLE/],
      ["SOURCE_DISALLOWED", 0, /SOURCE_DISALLOWED/],
    ];
    for (const [answer, httpStatus, note] of cases) {
      const lookUp: LookUp = await sourceWith(0, answer).source.lookUp("17", signal);
      assert.ok(lookUp.outcome === "unreachable", JSON.stringify(answer));
      assert.equal(lookUp.httpStatus, httpStatus);
      assert.match(lookUp.note, note);
      assert.equal(lookUp.pageSha256.length, httpStatus === 0 ? 0 : 64);
      assert.equal(lookUp.url, `${ORIGIN}/homedetails/17_zpid/`);
    }
  });

  it("never asks the site for what is not an id", async () => {
    for (const id of ["", "017", "../17", "17_zpid/?", "https://evil.example/", "9".repeat(21)]) {
      const setup = sourceWith(0, { status: 404 });
      assert.equal((await setup.source.lookUp(id, signal)).outcome, "unreachable");
      assert.deepEqual(setup.asked, []);
    }
  });
});
