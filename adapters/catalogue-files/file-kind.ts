import type { Estimate } from "../../core/catalogue-layers.js";

/** Why a row is left out. */
export interface SkipReason {
  /** The same words for all rows that are left out for this. */
  readonly reason: string;
  /** What the row says instead. */
  readonly detail: string;
}

/** What the owner decides about the files. */
export interface ImportOptions {
  /** Listings per million housing units. 1 to 1,000,000. */
  readonly housingFactorPpm: number;
  /** Day that counts of housing units describe. */
  readonly censusAsOf: string;
  /** What counts for less or not at all where a file flags it: its newest row of a zip code is used, last, or skipped. */
  readonly flagged: "last" | "use" | "skip";
  /** Rows of an earlier day are left out. */
  readonly since: string | undefined;
}

/** A row by its columns, in lower case; undefined where the file has no such column. */
export type Cells = Readonly<Record<string, string | undefined>>;

/** A kind of table: how it is recognised, and what a row of it says. */
export interface FileKind {
  /** Columns that a file must have, in lower case; by these it is recognised. */
  readonly columns: readonly string[];
  /** Columns that are read where they are there. */
  readonly optionalColumns: readonly string[];
  readonly isAuthorityOnPlaces: boolean;
  /** What a row says. Every column of `columns` is there. */
  readonly estimateOf: (cells: Cells, options: ImportOptions) => Estimate | SkipReason;
}
