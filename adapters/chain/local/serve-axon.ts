/**
 * The client's two halves of announcing an address: the signed call, and the proof that it took effect.
 */
import { ZipnetError } from "../../../core/errors.js";
import type { Axon, Chain, Clock, Metagraph, Signer } from "../../../core/ports.js";
import { type ServeAxonRequest, ServeAxonRequestSchema } from "../../../gen/zipnet/localchain/v1/local_chain_pb.js";
import { create } from "@bufbuild/protobuf";
import { axonBytesToSign } from "./call-bytes.js";
import { metagraphFrom, within } from "./finality.js";

/** Signs an announcement whose era begins at the metagraph's block. */
export function signedAxon({ block, netuid }: Metagraph, signer: Signer, { ip, port }: Axon): ServeAxonRequest {
  const request = create(ServeAxonRequestSchema, {
    hotkey: signer.hotkey,
    netuid,
    axon: { ip, port },
    eraBlock: block.number,
  });
  request.signature = signer.sign(axonBytesToSign(request));
  return request;
}

/** Resolves once the block that holds an announcement is finalized. Rejects with UNAVAILABLE when that is not so in time. */
export async function confirmAxon(
  taken: {
    readonly chain: Chain;
    readonly clock: Clock;
    readonly hotkey: string;
    readonly blockNumber: number;
    readonly finalityTimeoutMs: number;
  },
  signal: AbortSignal,
): Promise<void> {
  const { chain, clock, hotkey, blockNumber, finalityTimeoutMs } = taken;
  const metagraph = await within(finalityTimeoutMs, clock, signal, (patience) =>
    metagraphFrom(chain, blockNumber, patience),
  );
  signal.throwIfAborted();
  if (metagraph !== undefined) return;
  throw new ZipnetError(
    "UNAVAILABLE",
    `the chain took the address of ${hotkey} for block ${blockNumber}, which was not finalized in time; read the ` +
      "metagraph before trying again",
  );
}
