/**
 * Seeds against one deployment, from the start of everything to the last word.
 */
import { Arena } from "./arena.js";
import type { FollowerLog, Life } from "./logs.js";
import { Run, type SeedResult } from "./run.js";
import { storyOf } from "./story.js";
import type { Strike } from "./strikes.js";
import type { Violation } from "./violations.js";

/** Replicas of the deployment. */
const REPLICAS = 3;
/** Followers, unless told otherwise. */
export const FOLLOWERS = 200;
/** Stories that are told in full. */
const STORIES = 10;

/** What seeds found. */
export interface SeedsResult {
  readonly violations: readonly Violation[];
  /** What happened, for people: figures, and the stories of what is wrong. */
  readonly report: string;
  readonly delivered: number;
  readonly timeline: readonly Strike[];
}

/** Runs seeds one after the other. `onSeed` hears of each when it is over. */
export async function runSeeds(
  seeds: readonly number[],
  followers: number,
  onSeed: (result: SeedResult) => void = () => {},
): Promise<SeedsResult> {
  const startMs = Date.now();
  await using arena = await Arena.open([{ name: "miner", replicas: REPLICAS, followers }]);
  const run = new Run(arena);
  await run.begin();
  const results: SeedResult[] = [];
  for (const seed of seeds) {
    for (const group of arena.groups) results.push(await run.seed(seed, group));
    results.slice(-1).forEach(onSeed);
  }
  results.push(await run.end(arena.groups));
  const violations = results.flatMap((result) => result.violations);
  const delivered = results.reduce((sum, result) => sum + result.delivered, 0);
  const logs = arena.followers.map(({ log }) => log);
  const { timeline } = run.striker;
  const report = [
    ...storiesOf(violations, logs, timeline),
    `seeds: ${seeds.length}, in ${Math.round((Date.now() - startMs) / 1000)} s`,
    ...figuresOf(logs),
    `events delivered: ${delivered}`,
    `faults: ${timeline.length} (${counted(timeline.map(({ kind }) => kind))})`,
    `violations: ${violations.length} ${counted(violations.map(({ promise }) => promise))}`,
  ];
  return { violations, delivered, timeline, report: report.join("\n") };
}

/** One defect is seen by many followers: the first story of every kind, and how many there are of it. */
function storiesOf(
  violations: readonly Violation[],
  logs: readonly FollowerLog[],
  timeline: readonly Strike[],
): string[] {
  const kinds = new Map<string, { readonly first: Violation; readonly count: number }>();
  for (const violation of violations) {
    const kind = `${violation.promise} ${violation.what}`;
    const { first, count } = kinds.get(kind) ?? { first: violation, count: 0 };
    kinds.set(kind, { first, count: count + 1 });
  }
  return [...kinds.values()]
    .slice(0, STORIES)
    .map(({ first, count }) => `seen ${count} times\n${storyOf(first, logs, timeline)}\n`);
}

function figuresOf(logs: readonly FollowerLog[]): string[] {
  const lives: Life[] = logs.flatMap((log) => log.lives);
  const streams = lives.flatMap((life) => life.streams);
  return [
    `followers: ${logs.length}, with ${lives.length} lives`,
    `streams: ${streams.length}, with ${streams.reduce((sum, { messages }) => sum + messages.length, 0)} messages`,
    `ends of streams: ${counted(streams.map(({ ended }) => ended?.reason ?? ended?.how ?? "open"))}`,
  ];
}

function counted(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts]
    .map(([name, count]) => `${name} ${count}`)
    .toSorted()
    .join(", ");
}
