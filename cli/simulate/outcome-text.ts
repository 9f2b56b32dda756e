/** What a simulated network showed, as people read it in a terminal. Pure. */
import { grouped } from "../../core/constraints/show.js";
import { bar, percentText } from "../bars.js";
import type { Outcome, StrategyOutcome } from "./figures.js";

const BAR_CELLS = 20;

function rowText(each: StrategyOutcome, most: number): string {
  const { name, earned, timesEqual, timesError, liar, copy, verified, caught, spotChecks } = each;
  const percent = (part: number): string => (100 * part).toFixed(2).padStart(6);
  const range = `${percent(earned.mean)} ${percent(earned.min)} ${percent(earned.max)}`;
  const times = timesEqual === undefined ? "-" : `${timesEqual.toFixed(2)} ±${timesError.toFixed(2)}`;
  const parts = [verified, copy, liar].map((part) => (100 * part).toFixed(0).padStart(4)).join(" ");
  const rate = caught === undefined ? "-" : percentText(caught, 1);
  return `${name.padEnd(16)} ${range} ${times.padStart(11)} ${parts} ${grouped(spotChecks).padStart(7)} ${rate.padStart(8)}  ${bar(earned.mean, most, BAR_CELLS)}`.trimEnd();
}

/** The whole report. */
export function outcomeText(outcome: Outcome): string {
  const { seeds, epochs, strategies, trust, trustAlone, honestEpochs, accusedEpochs, invariants } = outcome;
  const most = strategies.reduce((max, { earned }) => Math.max(max, earned.mean), 0);
  const kinds = (["honest", "lazy", "colluding", "offline"] as const).map(
    (kind) => `  ${kind.padEnd(14)} ${trust[kind].toFixed(4)} ${trustAlone[kind].toFixed(4).padStart(17)}`,
  );
  return [
    `${grouped(epochs)} epochs of ${seeds} ${seeds === 1 ? "seed" : "seeds"}`,
    "",
    "one operator      of the emission, %   times equal, judged as, %     spot of these",
    "                   mean  least   most   std. error  ver  cpy liar  checks   caught",
    ...strategies.map((each) => rowText(each, most)),
    "",
    '"times equal": of what the honest one of equal effort earns',
    "",
    "validator trust, mean    if nobody adopted others' evidence",
    ...kinds,
    "",
    `honest miners called a liar or a copy: ${grouped(accusedEpochs)} of ${grouped(honestEpochs)} miner-epochs`,
    `invariants that held: ${grouped(invariants)}`,
  ].join("\n");
}
