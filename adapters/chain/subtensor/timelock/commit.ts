/**
 * Weights as a subnet with commit-reveal takes them: sealed until a round of drand, after which the chain itself opens
 * and applies them.
 */
import { type RandomBytes, sealForRound } from "./container.js";
import { type CommitPayload, encodePayload } from "./payload.js";

/** The `commit` of commit_timelocked_weights and commit_timelocked_mechanism_weights, for their `reveal_round`. */
export function timelockCommit(payload: CommitPayload, round: number, random: RandomBytes): Uint8Array {
  return sealForRound(encodePayload(payload), round, random);
}
