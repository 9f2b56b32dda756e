/**
 * The Chain port by subtensor, the chain of Bittensor.
 */
import { randomBytes } from "node:crypto";
import { ZipnetError } from "../../../core/errors.js";
import type { Axon, Block, Chain, Clock, Log, Metagraph, Signer, UidWeight } from "../../../core/ports.js";
import { U16_MAX, maxUpscaled } from "../../../core/weights.js";
import { chainAddress } from "./addresses.js";
import { Blocks } from "./blocks.js";
import type { Inclusion } from "./inclusion.js";
import { readMetagraph } from "./metagraph.js";
import { genesisMismatches, subnetMismatches } from "./mismatches.js";
import { rejected } from "./refusals.js";
import type { Runtime } from "./runtime.js";
import { type Sending, Sender } from "./sender.js";
import { Session } from "./session.js";
import { commitCall, directCall } from "./weights-call.js";

/** Which chain, how to reach it, and how patiently. */
export interface SubtensorOptions {
  /** Endpoints, ws:// or wss://, the preferred one first. */
  readonly endpoints: readonly string[];
  readonly network: string;
  readonly netuid: number;
  /** Hash of block 0, 64 hexadecimal digits; undefined takes any chain. */
  readonly genesisHash?: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Longest time for a connection to be made, and for one call. Default 30,000. */
  readonly callTimeoutMs?: number;
  /** Longest time without a new finalized block until the next endpoint is tried. Default 120,000. */
  readonly staleAfterMs?: number;
  /** Longest time from sending a transaction until a finalized block shows what became of it. Default 900,000. */
  readonly finalityTimeoutMs?: number;
  /** Requests a second to one endpoint, on average; 0 for no limit. Default 0. */
  readonly requestsPerSecond?: number;
}

/** The chain, with its connection. */
export interface SubtensorChain extends Chain {
  /** What is not as the settings say, one sentence each. Endpoints that do not answer are left out. */
  mismatches(signal: AbortSignal): Promise<string[]>;
  /** Ends the connection. A later call makes a new one. */
  close(): void;
}

/** What the chain wants to know of an announced address and makes nothing of: TCP, and two that mean nothing. */
const AXON_REST = [0, 0, 0] as const;
const AXON_VERSION = 1;

/** Connects to the chain. Makes no connection before the first call. */
export function subtensorChain(options: SubtensorOptions): SubtensorChain {
  const { network, netuid, clock, log, finalityTimeoutMs = 900_000 } = options;
  const session = new Session({
    endpoints: options.endpoints,
    genesisHash: options.genesisHash,
    clock,
    log,
    callTimeoutMs: options.callTimeoutMs ?? 30_000,
    staleAfterMs: options.staleAfterMs ?? 120_000,
    requestsPerSecond: options.requestsPerSecond ?? 0,
  });
  const blocks = new Blocks(session);
  const sender = new Sender(session, log);
  let newest: Metagraph | undefined;
  const metagraph = (signal: AbortSignal): Promise<Metagraph> =>
    session.run(signal, async (link) => {
      // Several may ask within a block, and public endpoints count requests.
      if (newest === undefined || link.head.hash !== `0x${newest.block.hash}`) {
        newest = await readMetagraph(link, blocks, { network, netuid }, signal);
      }
      return newest;
    });
  /** The subnet at a block that is finalized already, or a later one: the endpoint in use may be behind. */
  const metagraphFrom = async (blockNumber: number, signal: AbortSignal): Promise<Metagraph> => {
    for await (const { number } of blocks.watch(signal)) {
      const found = await metagraph(signal);
      if (number >= blockNumber && found.block.number >= blockNumber) return found;
    }
    throw signal.reason;
  };
  const send = async (sending: Sending, signal: AbortSignal): Promise<Inclusion> => {
    const included = await sender.send(sending, finalityTimeoutMs, signal);
    if (included.chainError !== undefined) throw rejected(included.chainError, sending.signer.hotkey);
    return included;
  };
  /** Whether a hotkey is registered: the chain's own checks would name its missing stake first. */
  const subnetOf = async (hotkey: string, signal: AbortSignal) => {
    const { neurons, revealPeriodEpochs } = await metagraph(signal);
    return { revealPeriodEpochs, isRegistered: neurons.some((neuron) => neuron.hotkey === hotkey) };
  };
  return {
    finalizedBlock: (signal) => blocks.newest(signal),
    block: (number, signal) => blocks.byNumber(number, signal),
    watchFinalized: (signal): AsyncIterable<Block> => blocks.watch(signal),
    metagraph,
    async setWeights(signer, weights, versionKey, signal) {
      checkRow(weights);
      const { revealPeriodEpochs, isRegistered } = await subnetOf(signer.hotkey, signal);
      if (!isRegistered) throw rejected("HotKeyNotRegisteredInSubNet", signer.hotkey);
      const toSet = { netuid, hotkey: signer.hotkey, weights, versionKey };
      if (revealPeriodEpochs === 0) {
        const call = (runtime: Runtime): string => directCall(runtime, toSet);
        const { blockNumber } = await send({ kind: "weights", signer, call }, signal);
        checkRowStands(await metagraphFrom(blockNumber, signal), signer, weights, blockNumber);
        return { blockNumber };
      }
      const call: Sending["call"] = (runtime, link, ended) =>
        commitCall(link, runtime, { ...toSet, revealPeriodEpochs, nowMs: clock.now(), random: randomBytes }, ended);
      const { blockNumber } = await send({ kind: "commit", signer, call }, signal);
      checkCommitStands(await metagraphFrom(blockNumber, signal), signer, blockNumber);
      return { blockNumber };
    },
    async serveAxon(signer, axon, signal) {
      const call = axonCall(netuid, axon);
      if (!(await subnetOf(signer.hotkey, signal)).isRegistered) {
        throw rejected("HotKeyNotRegisteredInNetwork", signer.hotkey);
      }
      const { blockNumber } = await send({ kind: "axon", signer, call }, signal);
      return { blockNumber };
    },
    async mismatches(signal) {
      const found = await genesisMismatches(session.endpoints, options.genesisHash, signal);
      return found.length > 0 ? found : subnetMismatches(metagraph, signal);
    },
    close: () => session.close(),
  };
}

function checkRow(weights: readonly UidWeight[]): void {
  const wrong = weights.find(({ uid, weightU16 }) => [uid, weightU16].some((value) => !isU16(value)));
  if (wrong === undefined) return;
  const { uid, weightU16 } = wrong;
  throw new ZipnetError(
    "INVALID_FIELD",
    `uid ${uid} has weight ${weightU16}, but both must be whole numbers from 0 to 65535`,
  );
}

function isU16(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= U16_MAX;
}

/** Makes the call of an announcement. Throws CHAIN_REJECTED for what the chain has no numbers for. */
function axonCall(netuid: number, { ip, port }: Axon): (runtime: Runtime) => string {
  const address = chainAddress(ip);
  if (address === undefined) throw rejected("InvalidIpAddress", JSON.stringify(ip.slice(0, 60)));
  if (!isU16(port) || port === 0) throw rejected("InvalidPort", `port ${port}`);
  return (runtime) => {
    const place = [netuid, AXON_VERSION, address.ip, port, address.ipType] as const;
    const call = runtime.call("subtensorModule", "serveAxon", ...place, ...AXON_REST);
    if (call !== undefined) return call;
    throw new ZipnetError(
      "UNAVAILABLE",
      `runtime ${runtime.specVersion} of the chain has no call that announces addresses`,
    );
  };
}

/** Rejects unless the chain shows the row, or a newer one of the same hotkey. */
function checkRowStands(metagraph: Metagraph, signer: Signer, row: readonly UidWeight[], blockNumber: number): void {
  const neuron = metagraph.neurons.find(({ hotkey }) => hotkey === signer.hotkey);
  if (neuron !== undefined && neuron.lastUpdateBlock > blockNumber) return;
  const found = new Map(neuron?.weights.map(({ uid, weightU16 }) => [uid, weightU16]));
  const scaled = maxUpscaled(row.map(({ weightU16 }) => weightU16));
  // The chain computes in fixed point: a unit more or less is the same weight.
  const same = row.every(({ uid }, index) => Math.abs((found.get(uid) ?? 0) - (scaled[index] ?? 0)) <= 1);
  if (same && [...found.keys()].every((uid) => row.some((entry) => entry.uid === uid))) return;
  throw new ZipnetError(
    "UNAVAILABLE",
    `block ${blockNumber} holds the weights of ${signer.hotkey}, but the chain shows another row; ` +
      "read the metagraph before trying again",
  );
}

/** Rejects unless the chain counts the commit as the hotkey's last update, or a newer one. */
function checkCommitStands({ neurons }: Metagraph, signer: Signer, blockNumber: number): void {
  const neuron = neurons.find(({ hotkey }) => hotkey === signer.hotkey);
  if (neuron !== undefined && neuron.lastUpdateBlock >= blockNumber) return;
  throw new ZipnetError(
    "UNAVAILABLE",
    `block ${blockNumber} holds a commit of ${signer.hotkey}, but the chain does not count it; ` +
      "read the metagraph before trying again",
  );
}
