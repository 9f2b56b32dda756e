import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { AssignedZipCodeSchema, EpochSchema } from "../gen/zipnet/v1/epoch_pb.js";
import { LossReason, MinerVerdict, ReportSchema } from "../gen/zipnet/v1/report_pb.js";
import { ProgressPhase, ProgressSchema, ReceiptSchema } from "../gen/zipnet/v1/submission_pb.js";
import { html } from "./html.js";
import { agreedTables } from "./judged.js";
import { placeDots, renderMap } from "./map.js";
import { renderStatusJson } from "./status-json.js";
import { CONTENT_SECURITY_POLICY, renderStatusPage } from "./status-page.js";
import type { StatusView } from "./view.js";
import { bytes, duration, grouped, percent } from "./words.js";

const START_MS = Date.UTC(2026, 10, 22, 12);
const MINERS = [
  "5MinerAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1",
  "5MinerBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB2",
] as const;

function report(validator: string, scoreBps: number) {
  const scores = [
    {
      hotkey: MINERS[0],
      rank: 1,
      verdict: MinerVerdict.VERIFIED,
      speedBps: 10_000,
      qualityBps: 9_850,
      volumeBps: 9_000,
      scoreBps,
      acceptedListings: 1_234,
    },
    {
      hotkey: MINERS[1],
      verdict: MinerVerdict.LIAR,
      lost: [{ reason: LossReason.FABRICATED, lostBps: 10_000, detail: "31 of 50 listings do not exist" }],
    },
  ];
  const table = { epochId: "20261122T080000Z", scores, weights: [{ hotkey: MINERS[0], weightBps: 10_000 }] };
  return create(ReportSchema, { epochId: "20261122T080000Z", validator, table });
}

function viewOf(more: Partial<StatusView> = {}): StatusView {
  const zipCodes = [
    { zipCode: "98101", expectedListings: 400, state: "WA", place: "Seattle" },
    { zipCode: "99201", expectedListings: 100, state: "WA", place: "Spokane" },
    { zipCode: "97201", expectedListings: 50, state: "OR", place: "Portland" },
  ];
  const epoch = create(EpochSchema, {
    number: 123,
    id: "20261122T120000Z",
    startTime: timestampFromMs(START_MS),
    closeTime: timestampFromMs(START_MS + 14_400_000),
    zipCodes,
    expectedListings: 550,
  });
  const receipt = create(ReceiptSchema, {
    hotkey: MINERS[0],
    position: 1,
    receivedTime: timestampFromMs(START_MS + 600_000),
    totalBytes: 1_500_000n,
  });
  const progress = create(ProgressSchema, {
    phase: ProgressPhase.BLOCKED,
    zipCodesDone: 1,
    zipCodesTotal: 3,
    listings: 1_200,
    note: "challenged",
  });
  const miners = [
    { hotkey: MINERS[0], progress: undefined, receipt },
    { hotkey: MINERS[1], progress, receipt: undefined },
  ];
  return {
    nowMs: START_MS + 3_600_000,
    network: "local",
    netuid: 46,
    serverHotkey: "5Server",
    softwareVersion: "0.1.0",
    current: { epoch, closed: false, miners },
    previous: undefined,
    judged: { epochId: "20261122T080000Z", reports: [report("5ValidatorB", 9_700), report("5ValidatorA", 9_700)] },
    spots: new Map([
      ["98101", { latitude: 47.61, longitude: -122.33 }],
      ["99201", { latitude: 47.66, longitude: -117.43 }],
      ["97201", { latitude: 45.5, longitude: -122.69 }],
    ]),
    ...more,
  };
}

describe("the status page", () => {
  it("shows the clock, the miners, the map and the judgement", () => {
    const page = renderStatusPage(viewOf());
    for (const text of [
      "20261122T120000Z",
      "3:00:00",
      "0:10:00",
      "blocked by the source",
      "1 of 3",
      "challenged",
      "1.5 MB",
      "98101 Seattle WA: 400 listings",
    ]) {
      assert.ok(page.includes(text), text);
    }
    assert.equal(page.match(/<circle/g)?.length, 3);
    for (const text of [
      "All 2 reports have the same table",
      "97%",
      "98.5%",
      "liar",
      "31 of 50 listings do not exist",
    ]) {
      assert.ok(page.includes(text), text);
    }
  });

  it("tells when validators disagree", () => {
    const judged = {
      epochId: "20261122T080000Z",
      reports: [report("5A", 9_700), report("5B", 9_600), report("5C", 9_600)],
    };
    assert.match(renderStatusPage(viewOf({ judged })), /The 3 reports have 2 different tables/);
    assert.deepEqual(
      agreedTables(judged.reports).map(({ validators }) => validators),
      [["5B", "5C"], ["5A"]],
    );
  });

  it("stands before the first epoch and before the first judgement", () => {
    const page = renderStatusPage(viewOf({ current: undefined, judged: undefined, spots: new Map() }));
    assert.match(page, /No epoch yet/);
    assert.match(page, /Nothing judged yet/);
  });

  it("asks for nothing from anywhere else", () => {
    const page = renderStatusPage(viewOf());
    assert.doesNotMatch(page, /(src|href)\s*=\s*["']?(https?:)?\/\//i);
    assert.doesNotMatch(page, /@import|url\(/);
    assert.match(CONTENT_SECURITY_POLICY, /default-src 'none'/);
    const scripts = [...page.matchAll(/<script>(.*?)<\/script>/gs)].map(([, script]) => script ?? "");
    assert.equal(scripts.length, 1);
    const hash = createHash("sha256").update(scripts.join("")).digest("base64");
    assert.ok(CONTENT_SECURITY_POLICY.includes(`script-src 'sha256-${hash}'`), "the policy lets the page's script run");
  });

  it("escapes whatever comes from outside, in text and in attributes", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."<>\"'&ab/= ") }), (text) => {
        const made = html`<p title="${text}">${text}</p>`.text;
        const inner = /^<p title="([^"<>]*)">([^<>"']*)<\/p>$/.exec(made);
        assert.ok(inner !== null, made);
      }),
    );
    assert.equal(html`${[html`<b>${"<"}</b>`, undefined, 3]}`.text, "<b>&lt;</b>3");
  });

  it("says the same as data", () => {
    const status = JSON.parse(renderStatusJson(viewOf())) as Record<string, never>;
    assert.deepEqual(Object.keys(status), [
      "serverTime",
      "network",
      "netuid",
      "serverHotkey",
      "softwareVersion",
      "current",
      "previous",
      "judged",
    ]);
    const { current, judged } = status as unknown as {
      current: { miners: { progress: { phase: string } | null }[] };
      judged: { reports: { validator: string }[] };
    };
    assert.equal(current.miners[1]?.progress?.phase, "PROGRESS_PHASE_BLOCKED");
    assert.equal(judged.reports.length, 2);
  });
});

describe("the map", () => {
  it("keeps every dot in the frame, north above south and east right of west", () => {
    const place = fc.record({
      latitude: fc.double({ min: 18, max: 65, noNaN: true }),
      longitude: fc.double({ min: -160, max: -66, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(place, { minLength: 1, maxLength: 20 }), (places) => {
        const zipCodes = places.map((_, index) =>
          create(AssignedZipCodeSchema, { zipCode: String(10_000 + index), expectedListings: 100 }),
        );
        const spots = new Map(places.map((spot, index) => [String(10_000 + index), spot]));
        const dots = placeDots(zipCodes, spots);
        assert.equal(dots.length, places.length);
        for (const [index, { x, y }] of dots.entries()) {
          assert.ok(x >= 0 && x <= 640 && y >= 0 && y <= 360, `${x} ${y}`);
          for (const [other, dot] of dots.entries()) {
            const [here, there] = [places[index], places[other]];
            if (here === undefined || there === undefined) continue;
            if (here.latitude > there.latitude + 1) assert.ok(y < dot.y);
            if (here.longitude > there.longitude + 1) assert.ok(x > dot.x);
          }
        }
      }),
    );
  });

  it("is left out where no position is known", () => {
    assert.equal(renderMap([create(AssignedZipCodeSchema, { zipCode: "98101" })], new Map()), undefined);
  });
});

describe("figures on the page", () => {
  it("read well", () => {
    assert.deepEqual([percent(10_000), percent(6_250), percent(1), percent(0)], ["100%", "62.5%", "0.01%", "0%"]);
    assert.deepEqual([duration(14_399_999), duration(61_000), duration(-5)], ["3:59:59", "0:01:01", "0:00:00"]);
    assert.deepEqual([grouped(1_234_567), grouped(999), grouped(0)], ["1,234,567", "999", "0"]);
    assert.deepEqual([bytes(999), bytes(1_500), bytes(2_500_000n)], ["999 B", "1.5 kB", "2.5 MB"]);
  });
});
