/**
 * The Chain port by the embedded chain.
 */
import { type CallOptions, type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { ZipnetError } from "../../../core/errors.js";
import type { Block, Chain, Clock, Metagraph, Neuron } from "../../../core/ports.js";
import {
  type Block as WireBlock,
  type GetMetagraphResponse,
  LocalChainService,
  type Neuron as WireNeuron,
} from "../../../gen/zipnet/localchain/v1/local_chain_pb.js";
import { confirmAxon, signedAxon } from "./serve-axon.js";
import { sessionManagerOf } from "./session-manager.js";
import { confirmWeights, signedCall } from "./set-weights.js";
import { watchFinalized } from "./watch.js";
import { fromWire } from "./wire-errors.js";

/** The chain, and what only a development chain lets everybody do. */
export interface LocalChain extends Chain {
  /** Puts a hotkey on the subnet; its uid. In the metagraph once the next block is finalized. Twice changes nothing. */
  register(hotkey: string, coldkey: string, signal: AbortSignal): Promise<number>;
  /** Sets a registered hotkey's stake. In the metagraph once the next block is finalized. */
  setStake(hotkey: string, stakeRao: bigint, signal: AbortSignal): Promise<void>;
  /** Ends the connection. A later call makes a new one. Without it an idle connection ends by itself. */
  close(): void;
}

/** How to reach an embedded chain. */
interface LocalChainOptions {
  /** For example "http://127.0.0.1:9944". */
  readonly url: string;
  /** For the pauses between attempts to reconnect. */
  readonly clock: Clock;
  /** Longest time that one call may take. Default 30,000. */
  readonly callTimeoutMs?: number;
  /** Longest time from sending weights until their block is finalized. Default 180,000. */
  readonly finalityTimeoutMs?: number;
}

/** What every call needs. */
interface Connection {
  readonly url: string;
  readonly client: Client<typeof LocalChainService>;
  /** Makes one call with its deadline and the errors of the port. */
  readonly call: <T>(signal: AbortSignal, make: (options: CallOptions) => Promise<T>) => Promise<T>;
}

/** Connects to an embedded chain. Makes no connection before the first call. */
export function localChain(options: LocalChainOptions): LocalChain {
  const { url, clock, callTimeoutMs = 30_000, finalityTimeoutMs = 180_000 } = options;
  const sessionManager = sessionManagerOf(url, {
    pingIntervalMs: 10_000,
    pingTimeoutMs: 5_000,
    idleConnectionTimeoutMs: 10_000,
  });
  const client = createClient(
    LocalChainService,
    createGrpcTransport({ baseUrl: url, sessionManager, acceptCompression: [] }),
  );
  const connection: Connection = {
    url,
    client,
    async call(signal, make) {
      signal.throwIfAborted();
      try {
        return await make({ signal, timeoutMs: callTimeoutMs });
      } catch (error) {
        signal.throwIfAborted();
        throw fromWire(error, url);
      }
    },
  };
  const watch = (signal: AbortSignal): AsyncIterable<Block> =>
    watchFinalized((streamSignal) => blocksOf(connection, streamSignal), clock, signal);
  const chain: LocalChain = {
    ...reads(connection),
    watchFinalized: watch,
    async setWeights(signer, weights, versionKey, signal) {
      const request = signedCall(await chain.metagraph(signal), signer, weights, versionKey);
      const { blockNumber } = await connection.call(signal, (call) => client.setWeights(request, call));
      await confirmWeights({ chain, clock, request, blockNumber, finalityTimeoutMs }, signal);
      return { blockNumber };
    },
    async serveAxon(signer, axon, signal) {
      const request = signedAxon(await chain.metagraph(signal), signer, axon);
      const { blockNumber } = await connection.call(signal, (call) => client.serveAxon(request, call));
      await confirmAxon({ chain, clock, hotkey: signer.hotkey, blockNumber, finalityTimeoutMs }, signal);
      return { blockNumber };
    },
    async register(hotkey, coldkey, signal) {
      return (await connection.call(signal, (call) => client.register({ hotkey, coldkey }, call))).uid;
    },
    async setStake(hotkey, stakeRao, signal) {
      await connection.call(signal, (call) => client.setStake({ hotkey, stakeRao }, call));
    },
    close: () => sessionManager.abort(),
  };
  return chain;
}

function reads({ client, call, url }: Connection): Pick<Chain, "finalizedBlock" | "block" | "metagraph"> {
  return {
    async finalizedBlock(signal) {
      return blockOf((await call(signal, (options) => client.getFinalizedBlock({}, options))).block, url);
    },
    async block(number, signal) {
      try {
        return blockOf((await call(signal, (options) => client.getBlock({ number }, options))).block, url);
      } catch (error) {
        if (error instanceof ZipnetError && isNotFound(error.cause)) return undefined;
        throw error;
      }
    },
    async metagraph(signal) {
      return metagraphOf(await call(signal, (options) => client.getMetagraph({}, options)), url);
    },
  };
}

function isNotFound(cause: unknown): boolean {
  return cause instanceof ConnectError && cause.code === Code.NotFound;
}

async function* blocksOf({ client, url }: Connection, signal: AbortSignal): AsyncGenerator<Block> {
  for await (const { block } of client.watchFinalizedBlocks({}, { signal })) yield blockOf(block, url);
}

function blockOf(block: WireBlock | undefined, url: string): Block {
  if (block === undefined) throw new ZipnetError("UNAVAILABLE", `the chain at ${url} answered without a block`);
  return { number: block.number, hash: block.hash, parentHash: block.parentHash, timeMs: Number(block.timeMs) };
}

function metagraphOf(message: GetMetagraphResponse, url: string): Metagraph {
  const { $typeName: _type, $unknown: _unknown, block, neurons, ...plain } = message;
  // This chain takes weights openly and counts them for ever.
  const fixed = { revealPeriodEpochs: 0, activityCutoff: 0 };
  return { ...plain, ...fixed, block: blockOf(block, url), neurons: neurons.map(neuronOf) };
}

function neuronOf(message: WireNeuron): Neuron {
  const { $typeName: _type, $unknown: _unknown, weights, axon, ...plain } = message;
  const place = axon === undefined ? {} : { axon: { ip: axon.ip, port: axon.port } };
  return { ...plain, ...place, weights: weights.map(({ uid, weightU16 }) => ({ uid, weightU16 })) };
}
