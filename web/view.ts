/**
 * What the status page shows. Made of contract records as they are; nothing of it is secret before the close.
 */
import type { Epoch } from "../gen/zipnet/v1/epoch_pb.js";
import type { Report } from "../gen/zipnet/v1/report_pb.js";
import type { Progress, Receipt } from "../gen/zipnet/v1/submission_pb.js";

/** A miner in an epoch. */
export interface MinerView {
  /** SS58 address. */
  readonly hotkey: string;
  /** What it told last. */
  readonly progress: Progress | undefined;
  readonly receipt: Receipt | undefined;
}

/** An epoch with everybody who works or worked on it. */
export interface EpochView {
  readonly epoch: Epoch;
  /** Whether its snapshot stands. */
  readonly closed: boolean;
  /** Those with a receipt first, by its time; then the others by hotkey. */
  readonly miners: readonly MinerView[];
}

/** Where a zip code lies, in degrees. */
export interface Spot {
  readonly latitude: number;
  readonly longitude: number;
}

/** The whole page. */
export interface StatusView {
  /** The server's clock. */
  readonly nowMs: number;
  readonly network: string;
  readonly netuid: number;
  /** The server's hotkey. */
  readonly serverHotkey: string;
  readonly softwareVersion: string;
  /** The newest epoch, and the one before it. */
  readonly current: EpochView | undefined;
  readonly previous: EpochView | undefined;
  /** The newest epoch that a validator has judged, with every report on it. */
  readonly judged: { readonly epochId: string; readonly reports: readonly Report[] } | undefined;
  /** By zip code of the current epoch; those that the catalogue has no position of are missing. */
  readonly spots: ReadonlyMap<string, Spot>;
}
