/**
 * The figures of docs/incentive.md are those that the code computes, and the tests that it names are there.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type SpotCheckDecision, decide } from "../../core/judging/decision.js";
import { outcomesAt } from "../../core/judging/detection.test-support.js";
import { defaultRules } from "../../core/rules.js";
import { yumaConsensus } from "../../core/yuma.js";
import type { Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import { ROOT } from "./source-tree.js";

const textOf = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const PAGE = textOf("docs/incentive.md");
const LENGTH_SECONDS = 14_400;

/** The default rules for checks of another size. */
function rulesFor(listings: number): Rules {
  return Object.assign(defaultRules(LENGTH_SECONDS), {
    spotCheckListings: listings,
    spotCheckMaxListings: 10 * listings,
  });
}

function chanceText(chance: number): string {
  if (chance >= 0.9995) return "above 99.9 %";
  if (chance >= 0.001) return `${(100 * chance).toFixed(1)} %`;
  if (chance * 1e6 < 0.05) return "below 0.1 in a million";
  return `${(chance * 1e6).toFixed(chance * 1e6 < 10 ? 1 : 0)} in a million`;
}

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
const CHECKS = [10, 20, 50, 100].map(rulesFor);
const DEFAULT = rulesFor(50);

function detectionRows(): string[] {
  return [1, 2, 3, 5, 7.5, 10, 15, 20, 30, 50, 100].map((percent) => {
    const chances = CHECKS.map((rules) => chanceText(outcomesAt(percent / 100, rules).liar));
    return row([`${percent} percent`, ...chances, outcomesAt(percent / 100, DEFAULT).meanListings.toFixed(0)]);
  });
}

function accusationRows(): string[] {
  return [0.1, 0.25, 0.5, 0.6, 0.75, 1].map((percent) => {
    const { liar, meanListings } = outcomesAt(percent / 100, DEFAULT);
    return row([`${percent} percent`, chanceText(liar), meanListings.toFixed(0)]);
  });
}

/** The fewest failures that convict, or the most that clear. */
function bound(read: number, decision: SpotCheckDecision): string {
  const fails = Array.from({ length: Math.min(read, 20) + 1 }, (_, fail) => fail);
  const is = (fail: number): boolean => decide({ pass: read - fail, fail, unknown: 0 }, 10_000, DEFAULT) === decision;
  const found = decision === "liar" ? fails.find(is) : fails.findLast(is);
  return found === undefined ? "goes on" : String(found);
}

function boundRows(): string[] {
  return [10, 20, 50, 100, 150, 200, 300, 400, 490].map((read) =>
    row([String(read), bound(read, "verified"), bound(read, "liar")]),
  );
}

/** Two validators, of which the first always sets 50/30/15/5. */
const CHAIN_CASES: readonly [string, readonly [number, number], readonly number[]][] = [
  ["both the same", [60, 40], [50, 30, 15, 5]],
  ["40 percent of the stake put all on the fourth", [60, 40], [0, 0, 0, 1]],
  ["60 percent of the stake put all on the fourth", [40, 60], [0, 0, 0, 1]],
  ["40 percent of the stake weigh all four alike", [60, 40], [1, 1, 1, 1]],
  ["40 percent of the stake set 55/25/15/5", [60, 40], [55, 25, 15, 5]],
  ["half and half, the second all on the fourth", [50, 50], [0, 0, 0, 1]],
];

function chainRows(): string[] {
  return CHAIN_CASES.map(([name, stakes, second]) => {
    const weights = (values: readonly number[]) => values.map((weightU16, uid) => ({ uid, weightU16 }));
    const { consensus, incentive, validatorTrust, dividends } = yumaConsensus({
      neuronCount: 6,
      validators: [
        { uid: 4, stakeRao: BigInt(stakes[0]), weights: weights([50, 30, 15, 5]) },
        { uid: 5, stakeRao: BigInt(stakes[1]), weights: weights(second) },
      ],
    });
    const text = (values: readonly number[]): string => values.map((value) => String(+value.toFixed(3))).join(", ");
    const miners = [consensus, incentive].map((values) => text(values.slice(0, 4)));
    return row([name, ...miners, text(validatorTrust.slice(4)), text(dividends.slice(4))]);
  });
}

/** Lines that the page should have one after the other. */
function assertHas(lines: readonly string[]): void {
  assert.ok(PAGE.includes(lines.join("\n")), `docs/incentive.md should have\n${lines.join("\n")}`);
}

describe("docs/incentive.md", () => {
  it("says how likely a check finds fabricators of every kind, as the code computes it", () =>
    assertHas(detectionRows()));
  it("says how likely an honest miner is accused, as the code computes it", () => assertHas(accusationRows()));
  it("says how many failures convict and clear, as the code decides", () => assertHas(boundRows()));
  it("says what the chain makes of weights, as the local chain computes it", () => assertHas(chainRows()));

  it("names tests of attacks that are there", () => {
    const table = /^## Attacks and their tests$(.*?)^## /ms.exec(PAGE)?.[1] ?? "";
    const named = [...table.matchAll(/^\| .+ \| `([^`]+)` \| `([^`]+)` \|$/gm)];
    assert.ok(named.length >= 25, `the page names ${named.length} tests`);
    const missing = named.filter(([, name = "", path = ""]) => {
      return !textOf(path).includes(`it("${name}"`);
    });
    assert.deepEqual(
      missing.map(([line]) => line),
      [],
    );
  });

  it("names every test of an attack", () => {
    const names = [...textOf("test/attacks/judging.test.ts").matchAll(/\bit\("([^"]+)"/g)].map(([, name = ""]) => name);
    assert.ok(names.length >= 20);
    assert.deepEqual(
      names.filter((name) => !PAGE.includes(`\`${name}\``)),
      [],
    );
  });
});
