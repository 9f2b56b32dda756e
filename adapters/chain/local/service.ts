/**
 * The running chain as LocalChainService.
 */
import { Code, ConnectError, type Interceptor, type ServiceImpl } from "@connectrpc/connect";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Block, Neuron } from "../../../core/ports.js";
import type {
  BlockSchema,
  LocalChainService,
  NeuronSchema,
  SetWeightsRequest,
} from "../../../gen/zipnet/localchain/v1/local_chain_pb.js";
import { U16_MAX } from "../../../core/weights.js";
import type { LocalChainNode } from "./node.js";
import { toWire } from "./wire-errors.js";

const ADDRESS = /^5[1-9A-HJ-NP-Za-km-z]{47}$/;

/** Lets the chain's refusals go out with their names. */
export const refusalInterceptor: Interceptor = (next) => async (request) => {
  try {
    return await next(request);
  } catch (error) {
    throw toWire(error);
  }
};

/** Serves a chain. Streams end with UNAVAILABLE once `stopping` is aborted. */
export function localChainService(node: LocalChainNode, stopping: AbortSignal): ServiceImpl<typeof LocalChainService> {
  return {
    getFinalizedBlock: () => ({ block: wireBlock(node.finalized().block) }),
    getBlock({ number }) {
      const block = node.finalizedBlock(number);
      if (block === undefined) {
        const newest = node.finalized().block.number;
        throw new ConnectError(`block ${number} is not finalized; the newest is ${newest}`, Code.NotFound);
      }
      return { block: wireBlock(block) };
    },
    async *watchFinalizedBlocks(_request, context) {
      const signal = AbortSignal.any([context.signal, stopping]);
      let sent: number | undefined;
      while (!signal.aborted) {
        const { block } = node.finalized();
        if (block.number === sent) {
          await node.nextFinalized(signal);
        } else {
          sent = block.number;
          yield { block: wireBlock(block) };
        }
      }
      throw new ConnectError("the chain stops", Code.Unavailable);
    },
    getMetagraph() {
      const { block, subnet } = node.finalized();
      const { rules, lastEpochBlock, neurons } = subnet;
      return {
        ...rules,
        block: wireBlock(block),
        nextEpochBlock: lastEpochBlock + rules.tempo,
        neurons: neurons.map(wireNeuron),
      };
    },
    register({ hotkey, coldkey }) {
      checkAddress("hotkey", hotkey);
      checkAddress("coldkey", coldkey);
      return { uid: node.register(hotkey, coldkey) };
    },
    setStake({ hotkey, stakeRao }) {
      checkAddress("hotkey", hotkey);
      node.setStake(hotkey, stakeRao);
      return {};
    },
    setWeights(request) {
      checkRange(request);
      return { blockNumber: node.setWeights(request) };
    },
    serveAxon(request) {
      checkAddress("hotkey", request.hotkey);
      return { blockNumber: node.serveAxon(request) };
    },
  };
}

function wireBlock({ number, hash, parentHash, timeMs }: Block): MessageInitShape<typeof BlockSchema> {
  return { number, hash, parentHash, timeMs: BigInt(timeMs) };
}

function wireNeuron(neuron: Neuron): MessageInitShape<typeof NeuronSchema> {
  return { ...neuron, weights: [...neuron.weights] };
}

function checkAddress(field: string, value: string): void {
  if (ADDRESS.test(value)) return;
  const shown = JSON.stringify(value.slice(0, 60));
  throw new ConnectError(
    `${field} is ${shown}, but must be an SS58 address of 48 characters that begins with 5`,
    Code.InvalidArgument,
  );
}

function checkRange(request: SetWeightsRequest): void {
  checkAddress("hotkey", request.hotkey);
  for (const field of ["uids", "weights"] as const) {
    const index = request[field].findIndex((value) => value > U16_MAX);
    if (index === -1) continue;
    throw new ConnectError(
      `${field}[${index}] is ${request[field][index]}, but must be ${U16_MAX} or less`,
      Code.InvalidArgument,
    );
  }
}
