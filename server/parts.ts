/**
 * What the server is made of. main.ts makes the parts; everything else gets them as arguments.
 */
import type { Cache, Chain, Clock, Log, ObjectStore, VerifySignature, Wallet } from "../core/ports.js";
import type { Catalogue, Rules } from "../gen/zipnet/v1/epoch_pb.js";
import type { CallerLimits } from "../rpc/serving/limits.js";
import type { RecordedEpochs } from "../rpc/epoch-log/recorded-epochs.js";
import type { Catalogues } from "./calibration/catalogues.js";
import type { EpochBook } from "./epoch-book.js";
import type { GrantLedger, StorageLimits } from "./grant-ledger.js";

/** A catalogue with its name. */
export interface NamedCatalogue {
  readonly catalogue: Catalogue;
  /** SHA-256 of its bytes, 64 lower-case hexadecimal digits. */
  readonly sha256: string;
}

/** Which deployment this is, and by which rules it draws. The same on every replica. */
export interface Deployment {
  readonly network: string;
  readonly netuid: number;
  readonly epochLengthSeconds: number;
  readonly rules: Rules;
  /** Time after a close in which a receipt for a finalize call that came before it may still be written. */
  readonly settleMs: number;
  /** Number of the epoch with which an empty record begins at the earliest; 0 where it begins at once. */
  readonly firstEpoch: number;
  /** Settled epochs after which the catalogue is calibrated anew; 0 for never. */
  readonly calibrateEveryEpochs: number;
  /** Listings that one search of the source shows at most, as far as calibration goes. */
  readonly resultCapListings: number;
}

/** What callers are held to, as far as the settings say. */
export interface CallLimits extends CallerLimits, StorageLimits {
  readonly grantTtlSeconds: number;
  readonly bookmarkIntervalMs: number;
  readonly keptEpochs: number;
}

/** What every call and the keeper work with. */
export interface ServerParts {
  readonly deployment: Deployment;
  readonly limits: CallLimits;
  /** The catalogue that the settings name. */
  readonly catalogue: NamedCatalogue;
  /** All catalogues, and which one is in force. */
  readonly catalogues: Catalogues;
  readonly chain: Chain;
  readonly objects: ObjectStore;
  readonly cache: Cache;
  readonly clock: Clock;
  readonly log: Log;
  /** Signs epochs, receipts and snapshots, and is the receiver of calls. */
  readonly signer: Wallet;
  readonly verify: VerifySignature;
  /** Records of epochs and snapshots. */
  readonly epochs: RecordedEpochs;
  readonly book: EpochBook;
  /** What miners were granted. */
  readonly ledger: GrantLedger;
}
