/**
 * The demo's live view, as lines of text. Pure.
 */
import { MINERS, VALIDATORS } from "./network.js";
import type { DemoState, EpochView, MinerWork, ValidatorWork } from "./state.js";

const BAR_CELLS = 20;

/** A bar of twenty cells. */
function bar(done: number, total: number): string {
  const full = total === 0 ? 0 : Math.floor((Math.min(done, total) * BAR_CELLS) / total);
  return "█".repeat(full) + "░".repeat(BAR_CELLS - full);
}

const seconds = (durationMs: number): string => `${(durationMs / 1000).toFixed(1)} s`;

function minerLine(name: string, role: string, work: MinerWork | undefined): string {
  const head = `  ${name.padEnd(12)} ${role.padEnd(26)}`;
  if (work === undefined) return `${head} ${bar(0, 1)} waiting`;
  const counts = `${work.done}/${work.total} zip codes, ${work.listings} listings, ${work.uploaded} uploaded`;
  const receipt = work.receiptAfterMs === undefined ? "" : `, receipt after ${seconds(work.receiptAfterMs)}`;
  return `${head} ${bar(work.done, work.total)} ${counts}${receipt}${work.note === undefined ? "" : `, ${work.note}`}`;
}

function validatorText(work: ValidatorWork | undefined): string {
  if (work?.receipts === undefined) return "waits for the snapshot";
  if (work.weightsBlock !== undefined) return `weights set in block ${work.weightsBlock}`;
  if (work.published) return "report published";
  if (work.judged) return "judged";
  return `${work.receipts} submissions, ${work.spotChecked} miners spot checked`;
}

function validatorLine(name: string, epoch: EpochView): string {
  return `  ${name.padEnd(12)} ${`judges ${epoch.id}`.padEnd(26)} ${validatorText(epoch.validators[name])}`;
}

/**
 * The view at a moment: the running epoch's miners and the judging of the epoch before.
 *
 * @param startsMs start of each epoch of the state; epochs have equal length and follow one another.
 */
export function liveLines(state: DemoState, startsMs: readonly number[], lengthMs: number, nowMs: number): string[] {
  const lines: string[] = [];
  const firstMs = startsMs[0] ?? nowMs;
  const index = Math.floor((nowMs - firstMs) / lengthMs);
  const running = state.epochs[index];
  if (index < 0) {
    lines.push(`the first epoch starts in ${seconds(firstMs - nowMs)}`);
  } else if (running !== undefined) {
    const goneMs = nowMs - (startsMs[index] ?? nowMs);
    const clock = `[${bar(goneMs, lengthMs)}] ${seconds(lengthMs - goneMs)} left`;
    lines.push(`epoch ${index + 1} of ${state.epochs.length}  ${running.id}  ${clock}`);
    for (const { name, role } of MINERS) lines.push(minerLine(name, role, running.miners[name]));
  } else {
    lines.push(`all ${state.epochs.length} epochs have closed`);
  }
  const closed = state.epochs[Math.min(index, state.epochs.length) - 1];
  if (closed !== undefined) for (const name of VALIDATORS) lines.push(validatorLine(name, closed));
  return lines;
}

/** What is new between two states, for output that cannot be drawn over: one line per step that a person would tell. */
export function newsLines(before: DemoState, after: DemoState): string[] {
  const news: string[] = [];
  after.epochs.forEach((epoch, index) => {
    const old = before.epochs[index];
    if (old === epoch) return;
    for (const { name } of MINERS) {
      const was = old?.miners[name];
      const is = epoch.miners[name];
      if (is === undefined || is === was) continue;
      if (is.receiptAfterMs !== undefined && was?.receiptAfterMs === undefined) {
        news.push(`${epoch.id}  ${name}: ${is.listings} listings, receipt after ${seconds(is.receiptAfterMs)}`);
      } else if (is.note !== undefined && was?.note === undefined) {
        news.push(`${epoch.id}  ${name}: ${is.note}`);
      } else if (is.done !== was?.done && is.done > 0) {
        news.push(`${epoch.id}  ${name}: ${is.done}/${is.total} zip codes, ${is.listings} listings`);
      }
    }
    for (const name of VALIDATORS) {
      const is = validatorText(epoch.validators[name]);
      if (is !== validatorText(old?.validators[name])) {
        news.push(`${epoch.id}  ${name}: ${is}`);
      }
    }
  });
  return news;
}
