/**
 * Whether an epoch of the demo ended as it should. Pure.
 */
import { equals, toBinary } from "@bufbuild/protobuf";
import type { Neuron } from "../../core/ports.js";
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import { type Listing, ListingSchema } from "../../gen/zipnet/v1/listing_pb.js";
import { MinerVerdict, type Report, ScoreTableSchema } from "../../gen/zipnet/v1/report_pb.js";

/** What an epoch ended with. */
export interface EpochResult {
  readonly epoch: Epoch;
  /** One report per validator, ascending by validator. */
  readonly reports: readonly Report[];
  /** The chain's neurons after the consensus that saw this epoch's weights. */
  readonly neurons: readonly Neuron[];
}

/** Who is who. */
export interface Cast {
  /** Hotkeys of the honest miners. */
  readonly honest: readonly string[];
  /** Hotkeys of the miners that make listings up. */
  readonly liars: readonly string[];
  /** Hotkeys of the validators. */
  readonly validators: readonly string[];
}

/** What is wrong with the draw: nothing, or one sentence. */
function drawProblems({ zipCodes, expectedListings, rules }: Epoch): string[] {
  const sum = zipCodes.reduce((total, zipCode) => total + zipCode.expectedListings, 0);
  const target = rules?.targetListings ?? 0;
  const slack = (target * (rules?.toleranceBps ?? 0)) / 10_000;
  const inBand = sum === expectedListings && Math.abs(sum - target) <= slack;
  return inBand ? [] : [`the zip codes expect ${sum} listings, but the target is ${target} within ${slack}`];
}

function agreementProblems({ reports }: EpochResult, cast: Cast): string[] {
  const [first, ...others] = reports.map(({ table }) =>
    table === undefined ? "" : Buffer.from(toBinary(ScoreTableSchema, table)).toString("hex"),
  );
  if (reports.length !== cast.validators.length) {
    return [`${reports.length} reports are published, but there are ${cast.validators.length} validators`];
  }
  return others.every((table) => table === first) ? [] : ["the validators' score tables differ"];
}

function scoreProblems({ reports }: EpochResult, cast: Cast): string[] {
  const scores = reports[0]?.table?.scores ?? [];
  const of = (hotkey: string) => scores.find((score) => score.hotkey === hotkey);
  const problems: string[] = [];
  for (const hotkey of cast.honest) {
    const score = of(hotkey);
    if (score === undefined || score.verdict === MinerVerdict.LIAR || score.shareBps === 0) {
      problems.push(`the honest miner ${hotkey} ${score === undefined ? "has no submission" : "earned nothing"}`);
    }
  }
  for (const hotkey of cast.liars) {
    const score = of(hotkey);
    const caught = score?.verdict === MinerVerdict.LIAR && score.scoreBps === 0 && score.shareBps === 0;
    if (!caught) problems.push(`the liar ${hotkey} was ${score === undefined ? "not judged" : "not caught"}`);
  }
  return problems;
}

function chainProblems({ neurons }: EpochResult, cast: Cast): string[] {
  const of = (hotkey: string) => neurons.find((neuron) => neuron.hotkey === hotkey);
  const rows = cast.validators.map((hotkey) => JSON.stringify(of(hotkey)?.weights));
  const problems: string[] = [];
  if (rows.some((row) => row === undefined || row === "[]" || row !== rows[0])) {
    problems.push("the validators' weights on the chain differ or are missing");
  }
  const lowestHonest = Math.min(...cast.honest.map((hotkey) => of(hotkey)?.incentiveU16 ?? 0));
  for (const hotkey of cast.liars) {
    const incentive = of(hotkey)?.incentiveU16 ?? -1;
    if (incentive !== 0) problems.push(`the liar ${hotkey} has incentive ${incentive} on the chain, but must have 0`);
  }
  if (lowestHonest <= 0) problems.push("an honest miner has no incentive on the chain");
  return problems;
}

/** Everything that is not as it should be; empty when all is well. */
export function epochProblems(result: EpochResult, cast: Cast): string[] {
  return [
    ...drawProblems(result.epoch),
    ...agreementProblems(result, cast),
    ...scoreProblems(result, cast),
    ...chainProblems(result, cast),
  ];
}

/** Whether a row equals what the site showed, field for field but for the reader's own clock. */
export function sameListing(row: Listing, shown: Listing): boolean {
  const { scrapedTime: _row, ...rowFields } = row;
  const { scrapedTime: _shown, ...shownFields } = shown;
  return equals(ListingSchema, rowFields as Listing, shownFields as Listing);
}
