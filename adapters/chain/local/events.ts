/**
 * What happens to the ledger. The journal is the list of these; replaying it makes the same ledger again.
 */
import type { Axon, Block } from "../../../core/ports.js";

/** What holds on this chain. It stands in the journal because the same events mean something else under other rules. */
export interface ChainRules {
  readonly network: string;
  /** 0 to 65,535. */
  readonly netuid: number;
  /** Hotkey of the subnet's owner, which needs neither permit nor stake to set weights; empty for none. */
  readonly ownerHotkey: string;
  /** Blocks between two runs of the consensus. 1 and up. */
  readonly tempo: number;
  /** Blocks that the newest finalized block is behind the newest one. 0 and up. */
  readonly finalityLag: number;
  /** Blocks between two settings of weights by one validator. 0 and up. */
  readonly weightsRateLimit: number;
  /** Shortest accepted row of weights, where the subnet has that many neurons. */
  readonly minAllowedWeights: number;
  /** Lowest accepted version key; 0 takes every key. */
  readonly weightsVersionKey: bigint;
  /** Most validators that have a permit at the same time. */
  readonly maxValidators: number;
  /** Stake from which on a hotkey may set weights. */
  readonly minStakeRao: bigint;
}

/** One thing that happens. Whatever is between two blocks takes effect in the later one. */
export type LedgerEvent =
  | { readonly kind: "rules"; readonly rules: ChainRules }
  | { readonly kind: "block"; readonly block: Block }
  /** Gives a hotkey that has none the next uid. */
  | { readonly kind: "register"; readonly hotkey: string; readonly coldkey: string }
  /** The hotkey is registered. */
  | { readonly kind: "stake"; readonly hotkey: string; readonly stakeRao: bigint }
  /** The hotkey is registered; the address passed every check. */
  | { readonly kind: "axon"; readonly hotkey: string; readonly axon: Axon }
  /** Raw weights that passed every check. */
  | {
      readonly kind: "weights";
      readonly hotkey: string;
      readonly uids: readonly number[];
      readonly weights: readonly number[];
    };

const KINDS: ReadonlySet<string> = new Set<LedgerEvent["kind"]>([
  "rules",
  "block",
  "register",
  "stake",
  "axon",
  "weights",
]);

/** Fields that JSON, which has no integers of this size, holds as decimal text. */
const BIGINT_FIELDS: ReadonlySet<string> = new Set(["stakeRao", "minStakeRao", "weightsVersionKey"]);

/** An event as one line of JSON, without the line's end. */
export function encodeEvent(event: LedgerEvent): string {
  return JSON.stringify(event, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
}

/** The event of a line that encodeEvent made. Throws an Error for anything else. */
export function decodeEvent(line: string): LedgerEvent {
  const event = JSON.parse(line, (key, value: unknown) =>
    BIGINT_FIELDS.has(key) && typeof value === "string" ? BigInt(value) : value,
  ) as { kind?: unknown } | null;
  if (typeof event?.kind !== "string" || !KINDS.has(event.kind)) {
    throw new Error("it is no event that this version knows");
  }
  return event as LedgerEvent;
}
