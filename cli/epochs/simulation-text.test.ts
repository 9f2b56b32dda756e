import assert from "node:assert/strict";
import { encodeCatalogue } from "../../core/catalogue.js";
import { simulationFigures } from "../../core/draw/figures.js";
import { drawPool } from "../../core/draw/pool.js";
import { defaultRules } from "../../core/rules.js";
import type { Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import { type SimulationReport, simulationJson, simulationText } from "./simulation-text.js";

const LENGTH_SECONDS = 14_400;

/** A simulation on 3,000 zip codes in a band of latitude from coast to coast. */
function reportOf(changes: Partial<Rules>, epochs: number): SimulationReport {
  const { catalogue } = encodeCatalogue(
    Array.from({ length: 3_000 }, (_, i) => ({
      zipCode: String(10_000 + i),
      state: ["CA", "TX", "WA"][i % 3] ?? "",
      latitudeMicrodegrees: 30_000_000 + (i % 100) * 100_000,
      longitudeMicrodegrees: -120_000_000 + i * 15_000,
      expectedListings: 5 + ((i * 37) % 300),
      source: "test",
      asOf: "2026-11-01",
    })),
  );
  const rules: Rules = { ...defaultRules(LENGTH_SECONDS), ...changes };
  const pool = drawPool(catalogue, rules);
  const running = simulationFigures({ pool, first: 0, epochs, lastDrawn: new Map(), seed: "text" });
  for (;;) {
    const { done, value } = running.next();
    if (done !== true) continue;
    return { catalogue, rules, epochLengthSeconds: LENGTH_SECONDS, seed: "text", isProven: false, figures: value };
  }
}

describe("a simulation's report", () => {
  it("fits a terminal of 80 columns, and says what was drawn", () => {
    const text = simulationText(reportOf({ cooldownEpochs: 20 }, 60));
    assert.deepEqual(
      text.split("\n").filter((line) => line.length > 80),
      [],
    );
    assert.match(text, /^60 epochs of 14,400 seconds, 10\.0 days, seed text$/m);
    assert.match(text, /in the band {4}60 of 60, 100\.0 %/);
    assert.match(text, /50 % after \d+\.\d days/);
    assert.match(text, /100 % not yet/);
    assert.match(text, /^ {2}CA +1,000 +33\.\d % +3\d\.\d % {2}█/m);
    const map = text.split("where zip codes were drawn")[1] ?? "";
    assert.ok(map.includes("█") && map.split("\n").length === 21);
  });

  it("names the rules to change where draws miss", () => {
    const text = simulationText(reportOf({ cooldownEpochs: 100 }, 60));
    assert.match(text, /the first draw that missed: .*lower cooldown_epochs to at most \d+/);
  });

  it("says only why where nothing may be drawn", () => {
    const text = simulationText(reportOf({ includeStates: ["NY"] }, 3));
    assert.match(text, /in the band {4}0 of 3, 0\.0 %/);
    assert.match(text, /none of the 3,000 zip codes is eligible: .*allow more states with include_states/);
    assert.ok(!text.includes("pre-scraper") && !text.includes("NaN"));
  });

  it("is the same for programs", () => {
    const report = reportOf({ cooldownEpochs: 20 }, 12);
    const json = JSON.parse(simulationJson(report)) as Record<string, unknown>;
    const times = json.timesByZipCode as Record<string, number>;
    assert.equal(Object.keys(times).length, 3_000);
    assert.deepEqual([json.landed, json.seed], [12, "text"]);
    assert.equal((json.rules as { cooldownEpochs: number }).cooldownEpochs, 20);
  });
});
