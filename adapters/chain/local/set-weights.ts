/**
 * The client's two halves of setting weights: the signed call, and the proof that it took effect.
 */
import { ZipnetError } from "../../../core/errors.js";
import type { Chain, Clock, Metagraph, Signer, UidWeight } from "../../../core/ports.js";
import { maxUpscaled } from "../../../core/weights.js";
import { bytesToSign } from "./call-bytes.js";
import { metagraphFrom, within } from "./finality.js";

/** A setting of weights, ready to send. */
export interface SignedCall {
  readonly hotkey: string;
  readonly netuid: number;
  readonly uids: number[];
  readonly weights: number[];
  readonly versionKey: bigint;
  readonly eraBlock: number;
  readonly signature: Uint8Array;
}

/** Signs a setting of weights whose era begins at the metagraph's block. */
export function signedCall(
  { block, netuid }: Metagraph,
  signer: Signer,
  row: readonly UidWeight[],
  versionKey: bigint,
): SignedCall {
  const call = {
    hotkey: signer.hotkey,
    netuid,
    uids: row.map(({ uid }) => uid),
    weights: row.map(({ weightU16 }) => weightU16),
    versionKey,
    eraBlock: block.number,
  };
  return { ...call, signature: signer.sign(bytesToSign(call)) };
}

/** A call that the chain took for a block. */
interface TakenCall {
  readonly chain: Chain;
  readonly clock: Clock;
  readonly request: SignedCall;
  readonly blockNumber: number;
  readonly finalityTimeoutMs: number;
}

/**
 * Resolves once the call's block is finalized and the chain shows its row, or a newer one of the same hotkey. Rejects
 * with UNAVAILABLE when that is not so in time.
 */
export async function confirmWeights(taken: TakenCall, signal: AbortSignal): Promise<void> {
  const { chain, clock, request, blockNumber, finalityTimeoutMs } = taken;
  const metagraph = await within(finalityTimeoutMs, clock, signal, (patience) =>
    metagraphFrom(chain, blockNumber, patience),
  );
  signal.throwIfAborted();
  if (metagraph === undefined) throw unconfirmed(taken, "was not finalized in time");
  const neuron = metagraph.neurons.find(({ hotkey }) => hotkey === request.hotkey);
  if (neuron !== undefined && neuron.lastUpdateBlock > blockNumber) return;
  const scaled = maxUpscaled(request.weights);
  const expected = new Map(request.uids.map((uid, index) => [uid, scaled[index]]));
  const same =
    neuron !== undefined &&
    neuron.weights.length === expected.size &&
    neuron.weights.every(({ uid, weightU16 }) => expected.get(uid) === weightU16);
  if (!same) throw unconfirmed(taken, "shows another row");
}

function unconfirmed({ request, blockNumber }: TakenCall, what: string): ZipnetError {
  return new ZipnetError(
    "UNAVAILABLE",
    `the chain took the weights of ${request.hotkey} for block ${blockNumber}, which ${what}; ` +
      "read the metagraph before trying again",
  );
}
