/** What a simulation showed, as people read it in a terminal of 80 columns. Pure. */
import { bandOf } from "../../core/draw/band.js";
import type { Figures, Spread } from "../../core/draw/figures.js";
import { grouped } from "../../core/constraints/show.js";
import type { Catalogue, Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import { bar, percentText } from "../bars.js";
import { drawnMap } from "./simulation-map.js";

/** What was simulated, with what came of it. */
export interface SimulationReport {
  readonly catalogue: Catalogue;
  readonly rules: Rules;
  readonly epochLengthSeconds: number;
  readonly seed: string;
  /** Whether arithmetic proves that every draw lands, for ever. */
  readonly isProven: boolean;
  readonly figures: Figures;
}

const HISTOGRAM_ROWS = 16;
const STATE_ROWS = 60;

/** Days that so many epochs take, with a decimal. */
function daysText(epochs: number, epochLengthSeconds: number): string {
  return `${((epochs * epochLengthSeconds) / 86_400).toFixed(1)} days`;
}

const spreadText = ({ min, median, max }: Spread): string => [min, median, max].map(grouped).join(" / ");

function drawsText({ rules, isProven, figures }: SimulationReport): string {
  const { epochs, landed, landedAtOnce, searched, problem, listings, zipCodes } = figures;
  const { low, high } = bandOf(rules);
  const proof = isProven ? "; by arithmetic, every draw lands for ever" : "";
  return [
    "draws (least / middle / most)",
    `  in the band    ${grouped(landed)} of ${grouped(epochs)}, ${percentText(landed, epochs)}${proof}`,
    `  attempts       ${percentText(landedAtOnce, landed)} landed at once, ${grouped(searched)} by the search for a set`,
    `  listings       ${spreadText(listings)}; target ${grouped(rules.targetListings)}, band ${grouped(low)} to ${grouped(high)}`,
    `  zip codes      ${spreadText(zipCodes)}`,
    ...(problem === "" ? [] : [`  the first draw that missed: ${problem}`]),
  ].join("\n");
}

function visitsText({ rules, epochLengthSeconds, figures }: SimulationReport): string {
  const { pool, zipCodes, visited, visitedZipCodes, timesDrawn, histogram, epochs } = figures;
  const resting = Math.min(pool.zipCodes, zipCodes.median * rules.cooldownEpochs);
  const reached = visited.map(({ percent, epochs: after }) =>
    after === undefined ? `${percent} % not yet` : `${percent} % after ${daysText(after, epochLengthSeconds)}`,
  );
  const step = Math.max(1, Math.ceil((timesDrawn.max - timesDrawn.min + 1) / HISTOGRAM_ROWS));
  const rows: { from: number; zipCodes: number }[] = [];
  for (let from = timesDrawn.min; from <= timesDrawn.max; from += step) {
    const inRow = histogram.filter(({ times }) => times >= from && times < from + step);
    rows.push({ from, zipCodes: inRow.reduce((sum, row) => sum + row.zipCodes, 0) });
  }
  const most = Math.max(...rows.map((row) => row.zipCodes));
  return [
    `the pool: ${grouped(pool.zipCodes)} zip codes, ${grouped(pool.listings)} listings`,
    `  in cooldown    about ${grouped(resting)} zip codes, ${percentText(resting, pool.zipCodes)}`,
    `  visited        ${reached.slice(0, 2).join(", ")},`,
    `                 ${reached.slice(2).join(", ")}`,
    ...(visitedZipCodes === pool.zipCodes
      ? []
      : [
          `                 ${percentText(visitedZipCodes, pool.zipCodes)} after ${daysText(epochs, epochLengthSeconds)}`,
        ]),
    `  times drawn    ${spreadText(timesDrawn)} (least / middle / most)`,
    ...rows.map((row) => {
      const range = step === 1 ? grouped(row.from) : `${grouped(row.from)} to ${grouped(row.from + step - 1)}`;
      return `  ${range.padStart(13)}  ${grouped(row.zipCodes).padStart(7)}  ${bar(row.zipCodes, most, 40)}`.trimEnd();
    }),
  ].join("\n");
}

function freshText({ rules, figures }: SimulationReport): string {
  const rows = figures.fresh.map(({ readyPercent, zipCodes, listings, poolPercent, measuredPercent }) => {
    const worth = (listings / rules.targetListings).toFixed(1);
    return (
      `  ${`${readyPercent} %`.padStart(6)} ${grouped(zipCodes).padStart(10)} ${grouped(listings).padStart(10)} ` +
      `${`${poolPercent.toFixed(1)} %`.padStart(10)} ${worth.padStart(9)} ${`${measuredPercent.toFixed(1)} %`.padStart(10)}`
    );
  });
  return [
    "to have part of an epoch ready when it opens, a pre-scraper must keep fresh",
    "   ready  zip codes   listings  of what can  as many     ready in",
    "                                  be drawn   epochs  these draws",
    ...rows,
  ].join("\n");
}

function statesText({ figures }: SimulationReport): string {
  const { states, pool } = figures;
  const drawn = states.reduce((sum, state) => sum + state.drawn.listings, 0);
  const ranked = states.toSorted((a, b) => b.drawn.listings - a.drawn.listings).slice(0, STATE_ROWS);
  const most = ranked[0]?.drawn.listings ?? 0;
  const rows = ranked.map(({ state, pool: ofPool, drawn: ofDraws }) => {
    const [poolShare, drawnShare] = [percentText(ofPool.listings, pool.listings), percentText(ofDraws.listings, drawn)];
    const counts = `${grouped(ofPool.zipCodes).padStart(9)} ${poolShare.padStart(8)} ${drawnShare.padStart(8)}`;
    return `  ${state}    ${counts}  ${bar(ofDraws.listings, most, 36)}`.trimEnd();
  });
  return ["  state zip codes  of pool of draws  by listings", ...rows].join("\n");
}

/** The whole report. */
export function simulationText(report: SimulationReport): string {
  const { catalogue, figures, epochLengthSeconds, seed } = report;
  const time = daysText(figures.epochs, epochLengthSeconds);
  const heading = `${grouped(figures.epochs)} epochs of ${grouped(epochLengthSeconds)} seconds, ${time}, seed ${seed}`;
  // Where nothing may be drawn, the first problem says all there is to say.
  const sections = figures.landed === 0 ? [drawsText] : [drawsText, visitsText, freshText, statesText];
  const parts = sections.map((section) => section(report));
  const map = drawnMap(catalogue, figures.timesByZipCode);
  return [heading, ...parts, ...(map === undefined ? [] : [map])].join("\n\n");
}

/** The report for programs. */
export function simulationJson({ rules, epochLengthSeconds, seed, isProven, figures }: SimulationReport): string {
  const { timesByZipCode, ...others } = figures;
  const { targetListings, toleranceBps, minExpectedListings, maxExpectedListings, cooldownEpochs } = rules;
  const { includeStates, excludeStates } = rules;
  const stateWeights = Object.fromEntries(rules.stateWeights.map(({ state, weightPercent }) => [state, weightPercent]));
  const sizes = { targetListings, toleranceBps, minExpectedListings, maxExpectedListings };
  return JSON.stringify({
    rules: { ...sizes, cooldownEpochs, includeStates, excludeStates, stateWeights },
    epochLengthSeconds,
    seed,
    isProven,
    ...others,
    timesByZipCode: Object.fromEntries(timesByZipCode),
  });
}
