/**
 * A dataset in figures.
 */
import type { DatasetRow } from "../../gen/zipnet/v1/dataset_pb.js";
import { type Listing, ListingSchema } from "../../gen/zipnet/v1/listing_pb.js";
import { byText } from "../judging/apportion.js";

/** A part of the rows, counted. */
export interface RowCounts {
  readonly rows: number;
  /** Rows of miners that were spot checked and found honest. */
  readonly verified: number;
  /** Rows that more than one miner has. */
  readonly shared: number;
  /** Of the shared rows, those on which all miners that have them agree. */
  readonly agreed: number;
}

/** A dataset in figures. */
export interface DatasetStats extends RowCounts {
  /** Ascending by epoch id. */
  readonly epochs: readonly (RowCounts & { readonly epochId: string })[];
  /** Ascending by zip code. */
  readonly zipCodes: readonly (RowCounts & { readonly zipCode: string })[];
  /** Rows in which each field of Listing is filled, in the order of the contract. */
  readonly fields: readonly { readonly name: string; readonly filled: number }[];
  /** Miners whose rows these are, most rows first; equal ones by hotkey. */
  readonly miners: readonly { readonly hotkey: string; readonly rows: number }[];
}

type Counting = { -readonly [K in keyof RowCounts]: RowCounts[K] };

const none = (): Counting => ({ rows: 0, verified: 0, shared: 0, agreed: 0 });

function count(counts: Counting, { isVerified, miners, agreeingMiners }: DatasetRow): void {
  counts.rows += 1;
  if (isVerified) counts.verified += 1;
  if (miners > 1) counts.shared += 1;
  if (miners > 1 && agreeingMiners === miners) counts.agreed += 1;
}

/** Counts rows, one after the other. */
export class DatasetCount {
  private readonly whole = none();
  private readonly epochs = new Map<string, Counting>();
  private readonly zipCodes = new Map<string, Counting>();
  private readonly miners = new Map<string, number>();
  private readonly filled = ListingSchema.fields.map((field) => ({ field, filled: 0 }));

  add(row: DatasetRow): void {
    const { listing, epochId, hotkey } = row;
    if (listing === undefined) throw new TypeError("a row without a listing");
    const parts = [countsOf(this.epochs, epochId), countsOf(this.zipCodes, listing.zipCode)];
    for (const counts of [this.whole, ...parts]) count(counts, row);
    this.miners.set(hotkey, (this.miners.get(hotkey) ?? 0) + 1);
    for (const entry of this.filled) {
      if (listing[entry.field.localName as keyof Listing] !== undefined) entry.filled += 1;
    }
  }

  stats(): DatasetStats {
    const ascending = (parts: Map<string, Counting>) => [...parts].sort(([a], [b]) => byText(a, b));
    return {
      ...this.whole,
      epochs: ascending(this.epochs).map(([epochId, counts]) => ({ epochId, ...counts })),
      zipCodes: ascending(this.zipCodes).map(([zipCode, counts]) => ({ zipCode, ...counts })),
      fields: this.filled.map(({ field, filled }) => ({ name: field.name, filled })),
      miners: [...this.miners]
        .map(([hotkey, rows]) => ({ hotkey, rows }))
        .sort((a, b) => b.rows - a.rows || byText(a.hotkey, b.hotkey)),
    };
  }
}

function countsOf(parts: Map<string, Counting>, name: string): Counting {
  const counts = parts.get(name) ?? none();
  parts.set(name, counts);
  return counts;
}
