/**
 * When the chain says no: in the pool, before a block holds a transaction, or in the block.
 */
import { ZipnetError } from "../../../core/errors.js";
import type { RpcRefusal } from "./wire.js";

/** What a transaction is for; the pool's numbers of errors are ambiguous without it. */
export type TransactionKind = "weights" | "commit" | "axon";

/** What to do about a refusal of the pool. */
export type PoolRefusal =
  /** The chain's rules forbid it: trying again changes nothing. */
  | { readonly kind: "rejected"; readonly chainError: string }
  /** The signature does not fit: another key's, or made for another version of the runtime. */
  | { readonly kind: "signature" }
  /** The nonce, the era or the pool has moved on: sign again with fresh figures. */
  | { readonly kind: "moved"; readonly what: string }
  /** The pool has exactly this transaction already. */
  | { readonly kind: "known" };

/** The pool's numbers of a failed check, by the names that the same errors have in a block. */
const CUSTOM: Readonly<Record<number, string>> = {
  1: "NotEnoughStakeToSetWeights",
  3: "SubnetNotExists",
  4: "HotKeyAccountNotExists",
  10: "HotKeyNotRegisteredInNetwork",
  11: "InvalidIpAddress",
  12: "ServingRateLimitExceeded",
  13: "InvalidPort",
  15: "InvalidRevealRound",
  16: "NoWeightsCommitFound",
  17: "RevealTooEarly",
  18: "InputLengthsUnequal",
  19: "HotKeyNotRegisteredInSubNet",
  255: "BadRequest",
};
const RATE_LIMIT = 6;

const INVALID = 1010;
const KNOWN = 1013;

/** Codes of the pool for which time or a fresh nonce is the answer: unknown validity, banned, priority, full, dropped. */
const PASSING: ReadonlySet<number> = new Set([1011, 1012, 1014, 1015, 1016, 1018]);

/** Reads what the pool answered. Forks and simulators of the chain say the same with codes of their own. */
export function poolRefusal({ code, message }: RpcRefusal, kind: TransactionKind): PoolRefusal {
  if (code === KNOWN) return { kind: "known" };
  if (PASSING.has(code)) return { kind: "moved", what: message };
  const custom = /custom(?: error)?"?:? *(\d+)/i.exec(message)?.[1];
  if (custom !== undefined) return { kind: "rejected", chainError: customName(Number(custom), kind) };
  if (/bad ?(signature|proof)/i.test(message)) return { kind: "signature" };
  if (/outdated|stale|future|ancient/i.test(message)) return { kind: "moved", what: message };
  if (/payment|pay some fees/i.test(message)) return { kind: "rejected", chainError: "Payment" };
  return { kind: "rejected", chainError: code === INVALID ? "InvalidTransaction" : `pool error ${code}` };
}

function customName(code: number, kind: TransactionKind): string {
  if (code === RATE_LIMIT) return kind === "commit" ? "CommittingWeightsTooFast" : "SettingWeightsTooFast";
  return CUSTOM[code] ?? `pool error ${code}`;
}

/** What a person does about an error of the chain. */
const ADVICE: Readonly<Record<string, string>> = {
  HotKeyNotRegisteredInSubNet: "register the hotkey on the subnet",
  HotKeyNotRegisteredInNetwork: "register the hotkey on the subnet",
  NotEnoughStakeToSetWeights: "the hotkey needs more stake weight before it may set weights",
  NeuronNoValidatorPermit:
    "the hotkey has no validator permit; permits are given anew at each epoch of the subnet, by stake",
  IncorrectWeightVersionKey: "the subnet asks for a newer version of this program; update it",
  SettingWeightsTooFast: "the subnet's rate limit is not over yet",
  CommittingWeightsTooFast: "the subnet's rate limit is not over yet",
  ServingRateLimitExceeded: "the hotkey announced its address a short time ago",
  BadProof: "the signature is not the hotkey's",
};

/** The port's error for an error of the chain. */
export function rejected(chainError: string, who: string, cause?: unknown): ZipnetError {
  const advice = ADVICE[chainError];
  const what = `the chain refuses ${who}: ${chainError}${advice === undefined ? "" : `; ${advice}`}`;
  return new ZipnetError("CHAIN_REJECTED", what, { chain_error: chainError }, { cause });
}
