/**
 * What the validator is made of. Everything outside comes in here.
 */
import type {
  Cache,
  Chain,
  Clock,
  ListingSource,
  LocalState,
  Log,
  ObjectStore,
  SubmittedFiles,
  Transfer,
  VerifySignature,
  Wallet,
} from "../core/ports.js";
import type { TrustedProxies } from "../rpc/serving/caller-address.js";
import type { CallerLimits } from "../rpc/serving/limits.js";
import type { FollowOptions } from "../rpc/follower/follower.js";
import type { JudgingCalls } from "./server-calls.js";

/** What following the epochs needs from the validator; the rest is known where the parts are made. */
type Follow = (own: Pick<FollowOptions, "tokens" | "onEvent">, signal: AbortSignal) => Promise<void>;

/** The parts. */
export interface ValidatorParts {
  readonly clock: Clock;
  /** 0 (included) to 1 (excluded). */
  readonly random: () => number;
  readonly log: Log;
  /** The validator's hotkey. */
  readonly signer: Wallet;
  readonly verify: VerifySignature;
  readonly chain: Chain;
  readonly source: ListingSource;
  readonly files: SubmittedFiles;
  readonly transfer: Transfer;
  /** Work under way, reports, and the resume token. */
  readonly state: LocalState;
  /** Where the relay keeps the records that it passes on. */
  readonly relayObjects: ObjectStore;
  readonly relayCache: Cache;
  readonly server: JudgingCalls;
  readonly follow: Follow;
}

/** What the operator decides. */
export interface ValidatorConfig {
  readonly network: string;
  readonly netuid: number;
  /** Signs epochs, receipts and snapshots. */
  readonly serverHotkey: string;
  /** Files that are fetched, and listings that are scraped again, at the same time. 1 and up. */
  readonly concurrency: number;
  /** What the fetched files of miners may take on disk, in bytes. */
  readonly cacheBytes: number;
  readonly relay: RelayConfig;
}

/** Where the relay is announced on the chain. */
export interface RelayAxon {
  readonly ip: string;
  /** Undefined: the port that the relay listens on. */
  readonly port: number | undefined;
}

/** How the relay serves. */
interface RelayConfig {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Where others reach it; undefined: where it listens. */
  readonly publicUrl: string | undefined;
  /** Undefined: it is not announced. */
  readonly axon: RelayAxon | undefined;
  readonly minValidatorStakeRao: bigint;
  readonly metagraphMaxAgeMs: number;
  readonly limits: CallerLimits;
  /** Load balancers whose word on callers' addresses is taken. */
  readonly trusted: TrustedProxies;
  readonly bookmarkIntervalMs: number;
  readonly drainWindowMs: number;
  readonly stallTimeoutMs: number;
  readonly keptEpochs: number;
}
