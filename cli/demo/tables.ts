/**
 * The demo's result as tables. Pure.
 */
import Table from "cli-table3";
import { LossReason, MinerVerdict, type MinerScore } from "../../gen/zipnet/v1/report_pb.js";
import type { EpochResult } from "./checks.js";

const percent = (bps: number): string => (bps / 100).toFixed(1);
const words = (name: string | undefined): string => (name ?? "?").toLowerCase().replaceAll("_", " ");

const UNITS = "Scores, share and incentive in percent; weight as the chain holds it, of 65,535.";

/** The reason that cost the most, with the sentence that explains it. */
function mainReason({ lost }: MinerScore): string {
  const worst = lost.reduce<(typeof lost)[number] | undefined>(
    (most, point) => (most === undefined || point.lostBps > most.lostBps ? point : most),
    undefined,
  );
  return worst === undefined ? "" : `${words(LossReason[worst.reason])}: ${worst.detail}`;
}

/** A share of the chain's 65,535, as a percentage. */
const part = (u16: number): string => ((u16 * 100) / 65_535).toFixed(1);

/** Rank, scores, verdict, share, weight and incentive of every miner of an epoch. */
export function epochTable(result: EpochResult, nameOf: (hotkey: string) => string, heading: string): string {
  const { epoch, reports, neurons } = result;
  const table = new Table({
    head: [
      "rank",
      "miner",
      "speed",
      "quality",
      "volume",
      "score",
      "verdict",
      "share",
      "weight",
      "incentive",
      "why not more",
    ],
    style: { head: [], border: [], compact: true },
    colAligns: ["right", "left", "right", "right", "right", "right", "left", "right", "right", "right", "left"],
    colWidths: [null, null, null, null, null, null, null, null, null, null, 46],
    wordWrap: true,
  });
  const validator = neurons.find((neuron) => neuron.hotkey === reports[0]?.validator);
  for (const score of reports[0]?.table?.scores ?? []) {
    const neuron = neurons.find((candidate) => candidate.hotkey === score.hotkey);
    const weight = validator?.weights.find((candidate) => candidate.uid === neuron?.uid)?.weightU16 ?? 0;
    table.push([
      score.rank === 0 ? "-" : String(score.rank),
      nameOf(score.hotkey),
      percent(score.speedBps),
      percent(score.qualityBps),
      percent(score.volumeBps),
      percent(score.scoreBps),
      words(MinerVerdict[score.verdict]),
      percent(score.shareBps),
      String(weight),
      part(neuron?.incentiveU16 ?? 0),
      mainReason(score),
    ]);
  }
  const zipCodes = epoch.zipCodes.map((zipCode) => zipCode.zipCode).join(" ");
  const target = epoch.rules?.targetListings ?? 0;
  const draw = `${epoch.zipCodes.length} zip codes expect ${epoch.expectedListings} listings (target ${target}): ${zipCodes}`;
  return `${heading}\n${draw}\n${table.toString()}\n${UNITS}`;
}
