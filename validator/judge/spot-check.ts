/**
 * Scraping a miner's sample again. Every piece of evidence is saved as it comes, so a restart repeats none.
 */
import { judgeListing } from "../../core/judging/comparison.js";
import type { ListingSource, LookUp } from "../../core/ports.js";
import { millisOf } from "../../core/timestamps.js";
import { type Evidence, ListingVerdict } from "../../gen/zipnet/v1/report_pb.js";
import type { ValidatorParts } from "../parts.js";
import type { SampledRow } from "./check-submissions.js";
import { eachOf, pauseBefore } from "./waiting.js";
import type { WorkStore } from "./work-store.js";

/** What a spot check needs. */
export interface SpotCheckOptions {
  readonly parts: Pick<ValidatorParts, "clock" | "log"> & { readonly source: Pick<ListingSource, "lookUp"> };
  readonly work: Pick<WorkStore, "evidence" | "saveEvidence" | "doubt" | "saveDoubt">;
  readonly concurrency: number;
  /** Until when a source that is out of reach is waited for. Unix milliseconds. */
  readonly deadlineMs: number;
  /** How much later a listing that fails is looked up again, in milliseconds: what was a slip of the source is over then. */
  readonly doubtMs: number;
}

/** So many look-ups without an answer, one after the other, mean that the source is down. */
const SILENT_LOOK_UPS = 3;
/** A listing that gets no answer in so many rounds in which the source is up stays UNKNOWN. */
const MAX_MISSES = 3;

const NEVER_UP = "the source was out of reach until the judging period ended";

interface OpenRow {
  readonly row: SampledRow;
  /** Whether it failed before. */
  readonly isDoubted: boolean;
  /** Rounds without an answer while the source was up. */
  misses: number;
  lookUps: number;
  lastLookUp?: LookUp;
}

/**
 * Looks every row up and judges it. A FAIL counts only when a second look-up, a while later, says the same. What gets no
 * answer is looked up again, round after round; a source that is down is waited for until the deadline, and probed gently.
 */
export async function spotCheck(
  hotkey: string,
  rows: readonly SampledRow[],
  options: SpotCheckOptions,
  signal: AbortSignal,
): Promise<Evidence[]> {
  const run = new SpotCheckRun(hotkey, options, signal);
  await run.load(rows);
  await run.lookAll();
  if (await run.openDoubted()) await run.lookAll();
  return run.finish(rows);
}

class SpotCheckRun {
  private readonly found = new Map<string, Evidence>();
  private readonly open = new Map<string, OpenRow>();
  /** Failed once. */
  private readonly doubted = new Map<string, { readonly row: SampledRow; readonly first: Evidence }>();
  private canary: string | undefined;

  constructor(
    private readonly hotkey: string,
    private readonly options: SpotCheckOptions,
    private readonly signal: AbortSignal,
  ) {}

  async load(rows: readonly SampledRow[]): Promise<void> {
    for (const row of rows) {
      const { work } = this.options;
      const saved = await work.evidence(this.hotkey, row.zipCode, row.listingId);
      const first = await work.doubt(this.hotkey, row.zipCode, row.listingId);
      if (saved !== undefined) this.found.set(keyOf(row), saved);
      else if (first !== undefined) this.doubted.set(keyOf(row), { row, first });
      else this.open.set(keyOf(row), { row, isDoubted: false, misses: 0, lookUps: 0 });
    }
  }

  /** Looks up what is open, round after round. */
  async lookAll(): Promise<void> {
    const { deadlineMs, parts } = this.options;
    for (let tries = 1; await this.round(tries === 1); tries += 1) {
      if (!(await pauseBefore(deadlineMs, tries, parts.clock, this.signal))) return;
    }
  }

  /** Waits until what failed may be looked up again, but not beyond the deadline; whether there is anything. */
  async openDoubted(): Promise<boolean> {
    if (this.doubted.size === 0) return false;
    const { deadlineMs, doubtMs, parts } = this.options;
    const lastMs = Math.max(...[...this.doubted.values()].map(({ first }) => millisOf(first.fetchedTime)));
    const dueMs = Math.min(lastMs + doubtMs, deadlineMs);
    if (parts.clock.now() < dueMs) await parts.clock.sleepUntil(dueMs, this.signal);
    for (const [key, { row, first }] of this.doubted) {
      this.open.set(key, { row, isDoubted: true, misses: 0, lookUps: first.lookUps });
    }
    this.doubted.clear();
    return true;
  }

  /** Looks up what is open; whether another round makes sense. */
  private async round(isFirst: boolean): Promise<boolean> {
    const { concurrency } = this.options;
    // A listing that was answered before tells a source that is down from listings that it cannot show.
    let sourceIsUp = false;
    if (!isFirst && this.canary !== undefined) {
      sourceIsUp = (await this.lookUp(this.canary)).outcome !== "unreachable";
      if (!sourceIsUp) return true;
    }
    let silent = 0;
    const mayStillAnswer = (): boolean => sourceIsUp || silent < (isFirst ? SILENT_LOOK_UPS : 1);
    const missed: OpenRow[] = [];
    await eachOf([...this.open.values()], concurrency, async (open) => {
      if (!mayStillAnswer()) return;
      if (await this.answered(open)) sourceIsUp = true;
      else missed.push(open);
      silent = sourceIsUp ? 0 : silent + 1;
    });
    if (sourceIsUp) for (const open of missed) open.misses += 1;
    return [...this.open.values()].some((open) => open.misses < MAX_MISSES);
  }

  /** Gives up on what is open, and answers all evidence in the order of the sample. */
  async finish(rows: readonly SampledRow[]): Promise<Evidence[]> {
    for (const { row, lookUps, lastLookUp } of this.open.values()) {
      await this.save(row, { ...this.judge(row, lastLookUp ?? this.neverAsked()), lookUps });
    }
    return rows.flatMap((row) => this.found.get(keyOf(row)) ?? []);
  }

  private async answered(open: OpenRow): Promise<boolean> {
    const { row } = open;
    const lookUp = await this.lookUp(row.listingId);
    open.lookUps += 1;
    open.lastLookUp = lookUp;
    if (lookUp.outcome === "unreachable") return false;
    const evidence = { ...this.judge(row, lookUp), lookUps: open.lookUps };
    this.canary ??= row.listingId;
    if (evidence.verdict === ListingVerdict.FAIL && !open.isDoubted) await this.doubt(row, evidence);
    else await this.save(row, evidence);
    return true;
  }

  private judge(row: SampledRow, lookUp: LookUp): Evidence {
    return judgeListing(this.hotkey, row.zipCode, row.submitted, lookUp);
  }

  private lookUp(listingId: string): Promise<LookUp> {
    this.signal.throwIfAborted();
    return this.options.parts.source.lookUp(listingId, this.signal);
  }

  private async save(row: SampledRow, evidence: Evidence): Promise<void> {
    await this.options.work.saveEvidence(this.hotkey, row.zipCode, row.listingId, evidence);
    this.found.set(keyOf(row), evidence);
    this.open.delete(keyOf(row));
  }

  private async doubt(row: SampledRow, first: Evidence): Promise<void> {
    await this.options.work.saveDoubt(this.hotkey, row.zipCode, row.listingId, first);
    this.doubted.set(keyOf(row), { row, first });
    this.open.delete(keyOf(row));
  }

  private neverAsked(): LookUp {
    const seen = { url: "", fetchedTimeMs: this.options.parts.clock.now(), httpStatus: 0, pageSha256: "" };
    return { ...seen, outcome: "unreachable", note: NEVER_UP };
  }
}

function keyOf({ zipCode, listingId }: SampledRow): string {
  return `${zipCode}/${listingId}`;
}
