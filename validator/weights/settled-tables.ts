/**
 * Our own judgements, and which of them is in force.
 */
import { startMsOfEpochId } from "../../core/epoch-time.js";
import type { ScoreTable } from "../../gen/zipnet/v1/report_pb.js";
import type { SettledTable } from "./plan.js";

/** Collects judgements. */
export class SettledTables {
  private readonly tables = new Map<string, { readonly table: SettledTable; readonly fromMs: number }>();

  constructor(private readonly epochLengthMs: number) {}

  /** Adds a judgement. A table without weights never comes into force: the one before it stays. */
  add({ epochId, weights }: ScoreTable): void {
    const startMs = startMsOfEpochId(epochId);
    if (startMs === undefined || weights.length === 0) return;
    this.tables.set(epochId, { table: { epochId, weights }, fromMs: startMs + 2 * this.epochLengthMs });
    for (const id of [...this.tables.keys()].toSorted().slice(0, -KEPT_TABLES)) this.tables.delete(id);
  }

  /**
   * The newest judgement whose judging period, the epoch after the judged one, is over at a moment; undefined when
   * there is none. All validators change over at that moment, whenever each of them was done.
   */
  inForceAt(timeMs: number): SettledTable | undefined {
    const ids = [...this.tables.keys()].toSorted().toReversed();
    return ids.map((id) => this.tables.get(id)).find((entry) => entry !== undefined && entry.fromMs <= timeMs)?.table;
  }
}

const KEPT_TABLES = 8;
