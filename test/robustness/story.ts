/**
 * Tells people what a violation looked like: the stream, the messages around it, the faults of the time.
 */
import { type FollowerLog, type LoggedMessage, type LoggedStream, eventName } from "./logs.js";
import type { Strike } from "./strikes.js";
import type { Violation } from "./violations.js";

/** Messages shown before and after. */
const AROUND = 4;
/** Faults are shown that lasted within this time before. */
const EARLIER_MS = 6_000;

/** The story of a violation, over several lines. */
export function storyOf(violation: Violation, logs: readonly FollowerLog[], timeline: readonly Strike[]): string {
  const { promise, follower, life, what, atMs } = violation;
  const lines = [`${promise}: ${what}`, `  ${follower}, life ${life}, at ${clock(atMs)}`];
  const lived = logs.find(({ name }) => name === follower)?.lives[life];
  const index = violation.stream ?? lived?.streams.findLastIndex(({ openedMs }) => openedMs <= atMs) ?? -1;
  for (const earlier of lived?.streams.slice(Math.max(0, index - AROUND), Math.max(0, index)) ?? []) {
    lines.push(`  ${opening(earlier)}, ${earlier.messages.length} messages, ${ending(earlier)}`);
  }
  const stream = lived?.streams[index];
  if (stream !== undefined) {
    lines.push(`  ${opening(stream)}`);
    const at = violation.message ?? stream.messages.findLastIndex((message) => message.atMs <= atMs);
    const from = Math.max(0, at - AROUND);
    for (const [offset, message] of stream.messages.slice(from, at + AROUND + 1).entries()) {
      lines.push(`  ${from + offset === at ? ">" : " "} ${messageLine(message)}`);
    }
    lines.push(`    ${ending(stream)}`);
  }
  const kept = lived?.keptMs.findLast((keptMs) => keptMs <= atMs);
  lines.push(`  position last kept: ${kept === undefined ? "never" : clock(kept)}`);
  const dealtWith = lived?.delivered.filter((delivery) => delivery.atMs <= atMs).slice(-AROUND) ?? [];
  lines.push(`  dealt with before: ${dealtWith.map(({ revision }) => revision).join(", ") || "nothing"}`);
  for (const strike of timeline) {
    if (strike.atMs > atMs || (strike.endedMs ?? atMs) < atMs - EARLIER_MS) continue;
    const end = strike.endedMs === undefined ? "still lasts" : `until ${clock(strike.endedMs)}`;
    lines.push(`  fault of seed ${strike.seed} at ${clock(strike.atMs)} ${end}: ${strike.name}`);
  }
  return lines.join("\n");
}

function opening({ endpoint, openedMs, presented }: LoggedStream): string {
  const token = presented === undefined ? "without a token" : `with token ${presented}`;
  return `${clock(openedMs)} stream at ${endpoint} opened ${token}`;
}

function ending({ ended }: LoggedStream): string {
  return ended === undefined ? "still open" : `${clock(ended.atMs)} ended: ${ended.how} ${ended.text ?? ""}`;
}

function messageLine({ atMs, kind, event, position }: LoggedMessage): string {
  return `${clock(atMs)} ${kind}${event === undefined ? "" : ` ${eventName(event.revision)}`}, token ${position}`;
}

/** Time of day with milliseconds. */
function clock(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(11, 23);
}
