/**
 * Scraping a miner's sample again. Every piece of evidence is saved as it comes, so a restart repeats none.
 */
import { judgeListing } from "../../core/judging/comparison.js";
import type { ListingSource, LookUp } from "../../core/ports.js";
import { type Evidence, ListingVerdict } from "../../gen/zipnet/v1/report_pb.js";
import type { ValidatorParts } from "../parts.js";
import type { SampledRow } from "./check-submissions.js";
import { eachOf, pauseBefore } from "./waiting.js";
import type { WorkStore } from "./work-store.js";

/** What a spot check needs. */
export interface SpotCheckOptions {
  readonly parts: Pick<ValidatorParts, "clock" | "log"> & { readonly source: Pick<ListingSource, "lookUp"> };
  readonly work: Pick<WorkStore, "evidence" | "saveEvidence">;
  readonly concurrency: number;
  /** Until when a source that is out of reach is waited for. Unix milliseconds. */
  readonly deadlineMs: number;
}

/** So many look-ups without an answer, one after the other, mean that the source is down. */
const SILENT_LOOK_UPS = 3;
/** A listing that gets no answer in so many rounds in which the source is up stays UNKNOWN. */
const MAX_MISSES = 3;

interface OpenRow {
  readonly row: SampledRow;
  /** Rounds without an answer while the source was up. */
  misses: number;
  lastLookUp?: LookUp;
}

/**
 * Looks every row up and judges it. A FAIL counts only when a second look-up says the same. What gets no answer is
 * looked up again, round after round; a source that is down is waited for until the deadline, and probed gently.
 */
export async function spotCheck(
  hotkey: string,
  rows: readonly SampledRow[],
  options: SpotCheckOptions,
  signal: AbortSignal,
): Promise<Evidence[]> {
  const run = new SpotCheckRun(hotkey, options, signal);
  await run.load(rows);
  for (let tries = 1; await run.round(tries === 1); tries += 1) {
    if (!(await pauseBefore(options.deadlineMs, tries, options.parts.clock, signal))) break;
  }
  return run.finish(rows);
}

class SpotCheckRun {
  private readonly found = new Map<string, Evidence>();
  private readonly open = new Map<string, OpenRow>();
  private canary: string | undefined;

  constructor(
    private readonly hotkey: string,
    private readonly options: SpotCheckOptions,
    private readonly signal: AbortSignal,
  ) {}

  async load(rows: readonly SampledRow[]): Promise<void> {
    for (const row of rows) {
      const saved = await this.options.work.evidence(this.hotkey, row.zipCode, row.listingId);
      if (saved === undefined) this.open.set(keyOf(row), { row, misses: 0 });
      else this.found.set(keyOf(row), saved);
    }
  }

  /** Looks up what is open; whether another round makes sense. */
  async round(isFirst: boolean): Promise<boolean> {
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
    for (const { row, lastLookUp } of this.open.values()) {
      await this.save(row, judgeListing(this.hotkey, row.zipCode, row.submitted, lastLookUp ?? this.neverAsked()));
    }
    return rows.flatMap((row) => this.found.get(keyOf(row)) ?? []);
  }

  private async answered(open: OpenRow): Promise<boolean> {
    const { row } = open;
    let evidence: Evidence;
    let looks = 0;
    do {
      const lookUp = await this.lookUp(row.listingId);
      open.lastLookUp = lookUp;
      if (lookUp.outcome === "unreachable") return false;
      evidence = judgeListing(this.hotkey, row.zipCode, row.submitted, lookUp);
      looks += 1;
    } while (evidence.verdict === ListingVerdict.FAIL && looks < 2);
    await this.save(row, evidence);
    this.canary ??= row.listingId;
    return true;
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

  private neverAsked(): LookUp {
    const seen = { url: "", fetchedTimeMs: this.options.parts.clock.now(), httpStatus: 0, pageSha256: "" };
    return { ...seen, outcome: "unreachable", note: "the source was out of reach until the judging period ended" };
  }
}

function keyOf({ zipCode, listingId }: SampledRow): string {
  return `${zipCode}/${listingId}`;
}
