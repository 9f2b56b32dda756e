/** A chain for tests: its blocks follow from the clock, its subnet is what the test says. */
import { ZipnetError } from "../core/errors.js";
import { sha256Hex, utf8ToBytes } from "../core/hash.js";
import { sampleMetagraph, sampleNeuron } from "../core/metagraph.test-support.js";
import type { Block, Chain, Clock, Neuron } from "../core/ports.js";

const ZEROS = "0".repeat(64);
const TAO = 1_000_000_000n;

/** A chain with a switch. */
export interface ScriptedChain extends Chain {
  /** While true, every call rejects with UNAVAILABLE. */
  isDown: boolean;
  neurons: Neuron[];
}

/** A registered hotkey that counts as a validator. */
export function validatorNeuron(uid: number, hotkey: string): Neuron {
  return sampleNeuron(uid, hotkey, { stakeRao: 5_000n * TAO, validatorPermit: true });
}

/** The block of a number: its time is `offsetMs` after a multiple of the block time. */
function blockAt(number: number, blockMs: number, offsetMs: number): Block {
  const hashOf = (at: number): string => (at < 0 ? ZEROS : sha256Hex(utf8ToBytes(`block ${at}`)));
  return { number, hash: hashOf(number), parentHash: hashOf(number - 1), timeMs: number * blockMs + offsetMs };
}

/** Makes the chain. Block n is there, and final, from n * blockMs + offsetMs on. */
export function scriptedChain(options: {
  readonly clock: Clock;
  readonly blockMs: number;
  readonly offsetMs: number;
  readonly network: string;
  readonly netuid: number;
}): ScriptedChain {
  const { clock, blockMs, offsetMs, network, netuid } = options;
  const newest = (): Block => blockAt(Math.floor((clock.now() - offsetMs) / blockMs), blockMs, offsetMs);
  const chain: ScriptedChain = {
    isDown: false,
    neurons: [],
    async finalizedBlock() {
      assertUp();
      return newest();
    },
    async block(number) {
      assertUp();
      return number <= newest().number ? blockAt(number, blockMs, offsetMs) : undefined;
    },
    async *watchFinalized(signal) {
      for (let block = newest(); !signal.aborted; block = newest()) {
        assertUp();
        yield block;
        await clock.sleepUntil(block.timeMs + blockMs, signal);
      }
    },
    async metagraph() {
      assertUp();
      const block = newest();
      return sampleMetagraph(chain.neurons, { block, network, netuid, nextEpochBlock: block.number + 1 });
    },
    async setWeights() {
      throw new Error("this chain takes no weights");
    },
    async serveAxon() {
      throw new Error("this chain takes no addresses");
    },
  };
  function assertUp(): void {
    if (chain.isDown) throw new ZipnetError("UNAVAILABLE", "the chain is down");
  }
  return chain;
}
