import type {
  Clock,
  ListingFiles,
  ListingSource,
  LocalState,
  PageReader,
  Signer,
  Transfer,
  VerifySignature,
} from "../../core/ports.js";
import type { MinerEvent } from "../progress.js";
import type { ServerCalls } from "../server-calls.js";

/** What the work on an epoch needs of the world. */
export interface EpochParts {
  readonly clock: Clock;
  /** 0 to 1. Spreads retries; nothing else depends on it. */
  readonly random: () => number;
  /**
   * The source of listings. `around` is put around the reader of its pages, where it has one; making a source costs
   * nothing.
   */
  readonly source: (around: (pages: PageReader) => PageReader) => ListingSource;
  readonly files: ListingFiles;
  readonly state: LocalState;
  readonly transfer: Transfer;
  readonly server: ServerCalls;
  readonly signer: Signer;
  readonly verify: VerifySignature;
  /** Takes note of what happened. Must not throw. */
  readonly tell: (event: MinerEvent) => void;
}

/** What the operator decides about the work on an epoch. */
export interface EpochSettings {
  /** Hotkey that signs receipts. */
  readonly serverHotkey: string;
  /** Whether the source's shape is looked at before an epoch's first search. */
  readonly checkSource: boolean;
  /** Zip codes that are scraped at the same time. 1 and up. */
  readonly concurrency: number;
  /** Part of the assignment that is meant to be covered, in percent, 1 to 100. */
  readonly coverPercent: number;
}
