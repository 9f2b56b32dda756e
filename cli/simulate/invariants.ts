/** What must hold of every table of a simulated network, whatever anybody does. */
import { toBinary } from "@bufbuild/protobuf";
import { MinerVerdict, type MinerScore, type ScoreTable, ScoreTableSchema } from "../../gen/zipnet/v1/report_pb.js";
import { type ClosedMarket, type Judgement, OWNER, tableOf } from "./judging.js";

/** What a broken invariant is thrown as: the simulation says which epoch and what. */
class InvariantBroken extends Error {
  override readonly name = "InvariantBroken";
}

function must(holds: boolean, epochId: string, what: string): void {
  if (!holds) throw new InvariantBroken(`epoch ${epochId}: ${what}`);
}

const earnsNothing = ({ verdict }: MinerScore): boolean =>
  verdict === MinerVerdict.LIAR || verdict === MinerVerdict.COPY;

/** Checks one validator's table. Throws an Error that says what does not hold. Answers how many rules it checked. */
export function assertTable(closed: ClosedMarket, { table, validator }: Judgement): number {
  const { epochId, weights, scores } = table;
  const say = (what: string): string => `${what}, by ${validator}`;
  const sum = weights.reduce((total, { weightBps }) => total + weightBps, 0);
  must(weights.length === 0 || sum === 10_000, epochId, say(`the weights add up to ${sum}`));
  const weightOf = new Map(weights.map(({ hotkey, weightBps }) => [hotkey, weightBps]));
  for (const score of scores.filter(earnsNothing)) {
    const { hotkey, shareBps, scoreBps, rank } = score;
    const nothing = shareBps === 0 && scoreBps === 0 && rank === 0 && !weightOf.has(hotkey);
    must(nothing, epochId, say(`${hotkey} earns something, and is a ${MinerVerdict[score.verdict]}`));
  }
  for (const hotkey of weightOf.keys()) {
    must(hotkey === OWNER || closed.submissions.has(hotkey), epochId, say(`${hotkey} earns without a receipt`));
  }
  must(scores.length === closed.checks.length, epochId, say(`${scores.length} scores`));
  for (const { hotkey, scoreBps, lost, speedBps, qualityBps, volumeBps, acceptedListings } of scores) {
    const parts = [scoreBps, speedBps, qualityBps, volumeBps];
    must(
      parts.every((part) => part >= 0 && part <= 10_000),
      epochId,
      say(`${hotkey} scores ${parts.join(", ")}`),
    );
    const told = lost.reduce((total, { lostBps }) => total + lostBps, 0);
    // Of a submission that the store did not give out, nothing is known that could be told.
    must(
      told === 10_000 - scoreBps || acceptedListings === 0,
      epochId,
      say(`${hotkey} is told of ${told} of ${10_000 - scoreBps} lost points`),
    );
  }
  return 4;
}

/** Checks that a table is the same whatever the order of what it follows from. Answers how many rules it checked. */
export function assertOrderIndependence(closed: ClosedMarket, { table, checks, evidence }: Judgement): number {
  const again = tableOf(closed, checks.toReversed(), new Map([...evidence].toReversed()));
  must(sameBytes(table, again), table.epochId, "the table depends on the order of its inputs");
  return 1;
}

/** Two tables that are equal byte for byte. */
function sameBytes(one: ScoreTable, other: ScoreTable): boolean {
  return Buffer.compare(toBinary(ScoreTableSchema, one), toBinary(ScoreTableSchema, other)) === 0;
}

/** Whoever has the same evidence must have the same table. Answers how many pairs it compared. */
export function assertAgreement(judgements: readonly Judgement[]): number {
  const tables = new Map<string, Judgement>();
  let compared = 0;
  for (const judgement of judgements) {
    const key = inputsOf(judgement);
    const first = tables.get(key);
    if (first === undefined) tables.set(key, judgement);
    else {
      const { epochId } = judgement.table;
      const equal = sameBytes(first.table, judgement.table);
      must(equal, epochId, `${first.validator} and ${judgement.validator} differ, with the same evidence`);
      compared += 1;
    }
  }
  return compared;
}

function inputsOf({ checks, evidence }: Judgement): string {
  const verdicts = [...evidence].map(([hotkey, pieces]) => [hotkey, pieces.map(({ id, verdict }) => [id, verdict])]);
  return JSON.stringify([checks.filter(({ outOfReach }) => outOfReach.size > 0).map(({ hotkey }) => hotkey), verdicts]);
}
