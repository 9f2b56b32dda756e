/** The plot of a simulated network: what each strategy earns, with its spread over the seeds. Pure. */
import type { Outcome, StrategyOutcome } from "./figures.js";

const WIDTH = 860;
const LABEL = 170;
const ROW = 22;
const TOP = 52;
const RIGHT = 90;

function rowSvg(each: StrategyOutcome, index: number, scale: (part: number) => number): string {
  const y = TOP + index * ROW;
  const middle = y + ROW / 2;
  const { earned, name, isHonest, timesEqual } = each;
  const [from, to, end] = [scale(earned.min), scale(earned.max), scale(earned.mean)];
  const times = timesEqual === undefined || isHonest ? "" : `, ${timesEqual.toFixed(2)} of its equal`;
  return [
    `<text x="${LABEL - 8}" y="${middle + 4}" text-anchor="end">${name}</text>`,
    `<rect x="${LABEL}" y="${y + 4}" width="${(end - LABEL).toFixed(1)}" height="${ROW - 8}" fill="${isHonest ? "#2f7d4f" : "#b5482f"}"/>`,
    `<path d="M${from.toFixed(1)} ${middle}H${to.toFixed(1)}" stroke="#222"/>`,
    `<text x="${(to + 6).toFixed(1)}" y="${middle + 4}" class="value">${(100 * earned.mean).toFixed(2)} %${times}</text>`,
  ].join("\n");
}

/** An SVG document. */
export function outcomeSvg({ strategies, seeds, epochs }: Outcome): string {
  const most = strategies.reduce((max, { earned }) => Math.max(max, earned.max), 0) || 1;
  const scale = (part: number): number => LABEL + ((WIDTH - LABEL - RIGHT - 110) * part) / most;
  const height = TOP + strategies.length * ROW + 14;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">`,
    "<style>text{font:12px sans-serif;fill:#222}.value{fill:#555}.title{font-size:15px}</style>",
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="14" y="24" class="title">What one operator earns of the miners' emission, ${epochs} epochs of ${seeds} seeds</text>`,
    `<text x="14" y="42" class="value">green: honest, red: not; the line spans the seeds</text>`,
    ...strategies.map((each, index) => rowSvg(each, index, scale)),
    "</svg>",
    "",
  ].join("\n");
}
