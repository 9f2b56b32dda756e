import assert from "node:assert/strict";
import { type ManualClock, manualClock } from "../clock/manual-clock.js";
import { ZipnetError } from "../../core/errors.js";
import type { PageReader } from "../../core/ports.js";
import { manners } from "./polite-pages.js";
import type { FetchRobots, PoliteOptions } from "./polite-pages.js";
import type { HeardAnswer } from "./turns.js";

const START_MS = 1_795_000_000_000;
const ORIGIN = "https://homes.example";
const { signal } = new AbortController();

/** Pages answer what `answers` says, one after the other, and 200 from then on. */
function setup(robots: FetchRobots, more: Partial<PoliteOptions> = {}, answers: HeardAnswer[] = []) {
  const clock = manualClock(START_MS);
  const starts: { url: string; afterMs: number }[] = [];
  const robotsUrls: string[] = [];
  let closed = false;
  const inner: PageReader = {
    async read(url) {
      starts.push({ url, afterMs: clock.now() - START_MS });
      return { url, html: "", ...(answers.shift() ?? { status: 200 }) };
    },
    async close() {
      closed = true;
    },
  };
  const pages = manners({
    userAgent: "zipnet/0.1 (+https://zipnet.example)",
    requestIntervalMs: 100,
    clock,
    fetchRobots: async (url, fetchSignal) => {
      robotsUrls.push(url);
      return robots(url, fetchSignal);
    },
    ...more,
  })(inner);
  return { pages, clock, starts, robotsUrls, isClosed: () => closed };
}

function saying(text: string, status = 200): FetchRobots {
  return async () => ({ status, text });
}

/** Starts reads at the same moment and lets time run until all are done. */
async function readAll({ pages, clock }: ReturnType<typeof setup>, urls: readonly string[]): Promise<void> {
  await letTimeRun(clock, Promise.all(urls.map((url) => pages.read(url, signal))));
}

/** Lets time run until the promise is settled. */
async function letTimeRun<T>(clock: ManualClock, promise: Promise<T>): Promise<T> {
  const state = { done: false };
  const watched = promise.finally(() => (state.done = true));
  watched.catch(() => {});
  while (!state.done) {
    await new Promise((resolve) => setImmediate(resolve));
    if (!state.done) await clock.advanceTo(clock.now() + 10);
  }
  return watched;
}

function reasonIs(reason: string): (error: unknown) => boolean {
  return (error) => error instanceof ZipnetError && error.reason === reason;
}

describe("manners", () => {
  it("reads what robots.txt allows and refuses the rest, unread", async () => {
    const under = setup(saying("User-agent: *\nDisallow: /agents/\nAllow: /agents/public/"));
    await readAll(under, [`${ORIGIN}/homes/02169_rb/`]);
    await assert.rejects(under.pages.read(`${ORIGIN}/agents/1`, signal), reasonIs("SOURCE_DISALLOWED"));
    assert.deepEqual(
      under.starts.map(({ url }) => url),
      [`${ORIGIN}/homes/02169_rb/`],
    );
  });

  it("heeds what is said to it by name", async () => {
    const under = setup(saying("User-agent: *\nAllow: /\n\nUser-agent: zipnet\nDisallow: /homes/"));
    await assert.rejects(under.pages.read(`${ORIGIN}/homes/1`, signal), reasonIs("SOURCE_DISALLOWED"));
    await readAll(under, [`${ORIGIN}/other`]);
  });

  it("keeps its distance between requests to one site, but not between sites", async () => {
    const under = setup(saying("", 404));
    const other = "https://other.example/x";
    await readAll(under, [`${ORIGIN}/1`, `${ORIGIN}/2`, other, `${ORIGIN}/3`]);
    const at = (url: string) => under.starts.find((start) => start.url === url)?.afterMs ?? NaN;
    const first = Math.min(at(`${ORIGIN}/1`), at(`${ORIGIN}/2`), at(`${ORIGIN}/3`));
    const times = [1, 2, 3].map((n) => at(`${ORIGIN}/${n}`) - first).sort((a, b) => a - b);
    assert.ok((times[1] ?? 0) >= 100 && (times[2] ?? 0) >= 200, JSON.stringify(times));
    assert.ok((times[2] ?? 0) <= 220, JSON.stringify(times));
    // Each site's robots.txt is a request of its own.
    assert.ok(at(other) >= 100 && at(other) <= 130 && first <= 130, `${at(other)} ${first}`);
  });

  it("takes the site's crawl-delay when it is longer, its own interval when that is", async () => {
    for (const [delay, expectedMs] of [
      ["2", 2_000],
      ["0.01", 100],
    ] as const) {
      const under = setup(saying(`User-agent: *\nCrawl-delay: ${delay}`));
      await readAll(under, [`${ORIGIN}/1`, `${ORIGIN}/2`]);
      const apart = (under.starts[1]?.afterMs ?? 0) - (under.starts[0]?.afterMs ?? 0);
      assert.ok(apart >= expectedMs && apart <= expectedMs + 20, `${apart}`);
    }
  });

  it("reads robots.txt once per site and again when it is old", async () => {
    const under = setup(saying("User-agent: *\nDisallow:"), { robotsAgeMs: 60_000 });
    await readAll(under, [`${ORIGIN}/1`]);
    await readAll(under, [`${ORIGIN}/2`, "https://other.example/1"]);
    assert.deepEqual(under.robotsUrls, [`${ORIGIN}/robots.txt`, "https://other.example/robots.txt"]);
    await under.clock.advanceTo(START_MS + 70_000);
    await readAll(under, [`${ORIGIN}/3`]);
    assert.equal(under.robotsUrls.length, 3);
  });

  it("shares one robots.txt among reads that start together", async () => {
    const under = setup(saying("", 404));
    await readAll(under, [`${ORIGIN}/1`, `${ORIGIN}/2`, `${ORIGIN}/3`]);
    assert.equal(under.robotsUrls.length, 1);
  });

  it("reads nothing while the site cannot say what is allowed, and asks again", async () => {
    const answers: (() => { status: number; text: string })[] = [
      () => ({ status: 503, text: "" }),
      () => ({ status: 429, text: "" }),
      () => {
        throw new Error("no route");
      },
      () => ({ status: 404, text: "" }),
    ];
    const { pages, clock, starts } = setup(async () => (answers.shift() ?? assert.fail("asked too often"))());
    const read = () => letTimeRun(clock, pages.read(`${ORIGIN}/1`, signal));
    for (let i = 0; i < 3; i += 1) await assert.rejects(read(), reasonIs("UNAVAILABLE"));
    assert.deepEqual(starts, []);
    await read();
    assert.equal(starts.length, 1);
  });

  it("leaves a site alone for as long as it asks to, and goes on at its distance", async () => {
    const answers = [{ status: 503, retryAfterMs: 20_000 }, { status: 200 }, { status: 429, retryAfterMs: 0 }];
    const under = setup(saying("", 404), {}, answers);
    await readAll(under, ["/1", "/2", "/3", "/4"].map((path) => ORIGIN + path)); // prettier-ignore
    const times = under.starts.map(({ afterMs }) => afterMs - (under.starts[0]?.afterMs ?? 0));
    for (const [index, expectedMs] of [0, 20_000, 20_100, 20_200].entries()) {
      const apart = (times[index] ?? 0) - expectedMs;
      assert.ok(apart >= 0 && apart <= 40, JSON.stringify(times));
    }
  });

  it("pauses longer and longer where a site only says that there are too many requests", async () => {
    const answers = [429, 429, 429, 200, 429, 200].map((status) => ({ status }));
    const under = setup(saying("", 404), {}, answers);
    for (let page = 0; page < 6; page += 1) await readAll(under, [`${ORIGIN}/${page}`]);
    const times = under.starts.map(({ afterMs }) => afterMs);
    const apart = times.slice(1).map((time, index) => Math.floor((time - (times[index] ?? 0)) / 1_000));
    assert.deepEqual(apart, [5, 10, 20, 0, 5]);
  });

  it("does not wait for a site that asks for hours, nor asks it for anything", async () => {
    const under = setup(saying("", 404), {}, [{ status: 429, retryAfterMs: 3_600_000 }]);
    await readAll(under, [`${ORIGIN}/1`]);
    const other = "https://other.example/1";
    await assert.rejects(readAll(under, [`${ORIGIN}/2`]), /asked to be left alone until/);
    await readAll(under, [other]);
    assert.deepEqual(
      under.starts.map(({ url }) => url),
      [`${ORIGIN}/1`, other],
    );
    await under.clock.advanceTo(under.clock.now() + 3_600_000);
    await readAll(under, [`${ORIGIN}/2`]);
    assert.equal(under.starts.length, 3);
  });

  it("asks a site whose robots.txt wants it left alone for nothing meanwhile", async () => {
    let asked = 0;
    const under = setup(async () => ((asked += 1), { status: 503, text: "", retryAfterMs: 120_000 }));
    await assert.rejects(readAll(under, [`${ORIGIN}/1`]), /answered 503/);
    await assert.rejects(readAll(under, [`${ORIGIN}/1`]), /left alone/);
    assert.equal(asked, 1);
  });

  it("stops waiting with the signal's reason, and closes what it stands before", async () => {
    const { pages, clock, isClosed } = setup(saying("User-agent: *\nCrawl-delay: 100"));
    await letTimeRun(clock, pages.read(`${ORIGIN}/1`, signal));
    const controller = new AbortController();
    const waiting = pages.read(`${ORIGIN}/2`, controller.signal);
    controller.abort(new Error("enough"));
    await assert.rejects(waiting, /enough/);
    await pages.close();
    assert.ok(isClosed());
  });
});
