/**
 * The robustness suite as a command: `npm run robustness`, with `-- --seeds 50` for seeds 1 to 50, or `-- --seed 17` to
 * run one again.
 */
import { parseArgs } from "node:util";
import { Arena } from "./arena.js";
import { Run } from "./run.js";
import { storyOf } from "./story.js";
import type { Violation } from "./violations.js";

/** Stories that are told in full. */
const STORIES = 10;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { seed: { type: "string" }, seeds: { type: "string" }, followers: { type: "string" } },
  });
  const followers = Number(values.followers ?? 200);
  const seeds =
    values.seed === undefined
      ? Array.from({ length: Number(values.seeds ?? 50) }, (_, index) => index + 1)
      : [Number(values.seed)];
  const startMs = Date.now();
  await using arena = await Arena.open([{ name: "miner", replicas: 3, followers }]);
  const [group] = arena.groups;
  if (group === undefined) throw new Error("the arena has no group");
  const run = new Run(arena);
  await run.begin();
  const violations: Violation[] = [];
  let delivered = 0;
  for (const seed of seeds) {
    const result = await run.seed(seed, group);
    violations.push(...result.violations);
    delivered += result.delivered;
    say(`seed ${seed}: ${result.faults} faults, ${result.delivered} events, ${result.violations.length} violations`);
  }
  const end = await run.end([group]);
  say(`the end: ${end.violations.length} violations`);
  violations.push(...end.violations);
  delivered += end.delivered;
  const logs = arena.followers.map(({ log }) => log);
  for (const [violation, seenBy] of oncePerKind(violations).slice(0, STORIES)) {
    say(`\nseen ${seenBy} times\n${storyOf(violation, logs, run.striker.timeline)}`);
  }
  const streams = logs.flatMap(({ lives }) => lives.flatMap((life) => life.streams));
  const counted = (names: readonly string[]): string => {
    const counts = new Map<string, number>();
    for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
    return [...counts]
      .map(([name, count]) => `${name} ${count}`)
      .toSorted()
      .join(", ");
  };
  say(`\nseeds: ${seeds.length}, in ${Math.round((Date.now() - startMs) / 1000)} s`);
  say(`followers: ${followers}, lives: ${logs.reduce((sum, { lives }) => sum + lives.length, 0)}`);
  say(`streams: ${streams.length}, messages: ${streams.reduce((sum, { messages }) => sum + messages.length, 0)}`);
  say(`ends of streams: ${counted(streams.map(({ ended }) => ended?.reason ?? ended?.how ?? "open"))}`);
  say(`events delivered: ${delivered}`);
  say(`faults: ${run.striker.timeline.length} (${counted(run.striker.timeline.map(({ kind }) => kind))})`);
  say(`violations: ${violations.length} ${counted(violations.map(({ promise }) => promise))}`);
  if (violations.length > 0) process.exitCode = 1;
}

/** One defect is seen by many followers: the first violation of every kind, and how many there are of it. */
function oncePerKind(violations: readonly Violation[]): [Violation, number][] {
  const kinds = new Map<string, [Violation, number]>();
  for (const violation of violations) {
    const kind = `${violation.promise} ${violation.what}`;
    const [first, count] = kinds.get(kind) ?? [violation, 0];
    kinds.set(kind, [first, count + 1]);
  }
  return [...kinds.values()];
}

await main(process.argv.slice(2));
