/**
 * The running chain: the ledger with its journal, and blocks on a clock.
 */
import { bytesToHex, hexToBytes, sha256Of } from "../../../core/hash.js";
import type { Block, Clock, Log, VerifySignature } from "../../../core/ports.js";
import type { ServeAxonRequest, SetWeightsRequest } from "../../../gen/zipnet/localchain/v1/local_chain_pb.js";
import { axonBytesToSign, bytesToSign } from "./call-bytes.js";
import { type ChainRules, encodeEvent, type LedgerEvent } from "./events.js";
import type { Journal } from "./journal.js";
import { emptyLedger, type Ledger, type SubnetState } from "./ledger.js";
import { ChainRefusal, checkAxon, checkEra, checkWeights } from "./refusals.js";

const ZERO_HASH = "0".repeat(64);

/** Uids are u16. */
const MAX_NEURONS = 65_536;

/** A chain that runs in this process. */
export interface LocalChainNode {
  /** The newest finalized block and the subnet at it. */
  finalized(): { readonly block: Block; readonly subnet: SubnetState };
  /** A finalized block by number. */
  finalizedBlock(number: number): Block | undefined;
  /** Resolves at the next newly finalized block, or when the signal is aborted; never rejects. */
  nextFinalized(signal: AbortSignal): Promise<void>;
  /** Puts a hotkey on the subnet from the next block on; its uid. The same uid when it is there already. */
  register(hotkey: string, coldkey: string): number;
  /** Sets a registered hotkey's stake from the next block on. Throws ChainRefusal. */
  setStake(hotkey: string, stakeRao: bigint): void;
  /** Sets weights in the next block, whose number it returns. Throws ChainRefusal. */
  setWeights(request: SetWeightsRequest): number;
  /** Announces where a hotkey can be reached, in the next block, whose number it returns. Throws ChainRefusal. */
  serveAxon(request: ServeAxonRequest): number;
  /** Makes blocks until the signal is aborted. Rejects when the journal cannot be written. */
  run(signal: AbortSignal): Promise<void>;
}

/** How a chain runs. */
interface NodeOptions {
  readonly journal: Journal;
  readonly rules: ChainRules;
  /** Blocks come at multiples of this. */
  readonly blockTimeMs: number;
  readonly clock: Clock;
  /** 32 fresh bytes at every call, which nobody can foresee. */
  readonly randomBytes: () => Uint8Array;
  readonly verify: VerifySignature;
  readonly log: Log;
}

/** Makes an event durable, then takes it in. */
type RecordEvent = (event: LedgerEvent) => void;

/** Opens the chain of a journal; a new one begins with block 0 now. Throws an Error for a journal of another subnet. */
export function openNode(options: NodeOptions): LocalChainNode {
  const { journal, clock, log } = options;
  const ledger = emptyLedger();
  for (const event of journal.events) ledger.apply(event);
  const record: RecordEvent = (event) => {
    journal.append(event);
    ledger.apply(event);
  };
  const waiting = new Set<() => void>();

  function makeBlock(): void {
    const before = ledger.finalized()?.block.number;
    record({ kind: "block", block: nextBlock(ledger.head(), clock.now(), options.randomBytes()) });
    const { block } = known(ledger.finalized());
    if (block.number === before) return;
    log.debug({ event: "finalized", block: block.number }, "block finalized");
    for (const wake of waiting) wake();
  }

  begin(ledger, options.rules, record);
  if (ledger.head() === undefined) makeBlock();
  return {
    finalized: () => known(ledger.finalized()),
    finalizedBlock: (number) => ledger.finalizedBlock(number),
    nextFinalized: (signal) => nextRing(waiting, signal),
    ...calls(ledger, record, options.verify),
    async run(signal) {
      while (!signal.aborted) {
        // Blocks are never caught up after a pause: nobody can have seen them.
        const earliestMs = Math.max(clock.now(), ledger.head()?.timeMs ?? 0) + 1;
        const dueMs = Math.ceil(earliestMs / options.blockTimeMs) * options.blockTimeMs;
        try {
          await clock.sleepUntil(dueMs, signal);
        } catch {
          return;
        }
        makeBlock();
      }
    },
  };
}

/** What changes the subnet. */
function calls(
  ledger: Ledger,
  record: RecordEvent,
  verify: VerifySignature,
): Pick<LocalChainNode, "register" | "setStake" | "setWeights" | "serveAxon"> {
  /** The number of the block that will hold a signed call. Throws ChainRefusal. */
  function checkSigned(bytes: Uint8Array, call: Pick<SetWeightsRequest, "hotkey" | "eraBlock" | "signature">): number {
    if (!verify(bytes, call.signature, call.hotkey)) {
      throw new ChainRefusal("BadProof", `the signature is not ${call.hotkey}'s over this call`);
    }
    const number = known(ledger.head()).number + 1;
    checkEra(call.eraBlock, known(ledger.finalized()).block.number, number);
    return number;
  }

  return {
    register(hotkey, coldkey) {
      const uid = ledger.uidOf(hotkey);
      if (uid !== undefined) return uid;
      const free = known(ledger.pending()).neurons.length;
      if (free >= MAX_NEURONS) throw new ChainRefusal("NoNeuronIdAvailable", `the subnet has ${MAX_NEURONS} neurons`);
      record({ kind: "register", hotkey, coldkey });
      return free;
    },
    setStake(hotkey, stakeRao) {
      if (ledger.uidOf(hotkey) === undefined) {
        throw new ChainRefusal("HotKeyNotRegisteredInSubNet", `hotkey ${hotkey} is not registered on the subnet`);
      }
      record({ kind: "stake", hotkey, stakeRao });
    },
    setWeights(request) {
      const { hotkey, uids, weights } = request;
      const number = checkSigned(bytesToSign(request), request);
      checkWeights(request, known(ledger.pending()), number);
      record({ kind: "weights", hotkey, uids, weights });
      return number;
    },
    serveAxon(request) {
      const number = checkSigned(axonBytesToSign(request), request);
      const { hotkey, axon: { ip, port } = { ip: "", port: 0 } } = request;
      const axon = { ip, port };
      checkAxon({ hotkey, axon }, known(ledger.pending()));
      record({ kind: "axon", hotkey, axon });
      return number;
    },
  };
}

/** Sets the rules where they are new and registers the owner. */
function begin(ledger: Ledger, rules: ChainRules, record: RecordEvent): void {
  const kept = ledger.pending()?.rules;
  if (kept !== undefined && (kept.network !== rules.network || kept.netuid !== rules.netuid)) {
    throw new Error(
      `the chain's folder holds subnet ${kept.netuid} of network ${JSON.stringify(kept.network)}, but the settings ask ` +
        `for subnet ${rules.netuid} of ${JSON.stringify(rules.network)}; use another folder`,
    );
  }
  const event: LedgerEvent = { kind: "rules", rules };
  if (kept === undefined || encodeEvent(event) !== encodeEvent({ kind: "rules", rules: kept })) record(event);
  const owner = rules.ownerHotkey;
  if (owner !== "" && ledger.uidOf(owner) === undefined) record({ kind: "register", hotkey: owner, coldkey: owner });
}

/** The block after another. Its hash needs the fresh bytes, so that nobody knows it before. */
function nextBlock(parent: Block | undefined, timeMs: number, fresh: Uint8Array): Block {
  const number = parent === undefined ? 0 : parent.number + 1;
  const parentHash = parent?.hash ?? ZERO_HASH;
  const position = new DataView(new ArrayBuffer(12));
  position.setUint32(0, number);
  position.setBigUint64(4, BigInt(timeMs));
  const hash = sha256Of(hexToBytes(parentHash), new Uint8Array(position.buffer), fresh);
  return { number, hash: bytesToHex(hash), parentHash, timeMs };
}

function nextRing(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      waiting.delete(wake);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    if (signal.aborted) {
      resolve();
      return;
    }
    waiting.add(wake);
    signal.addEventListener("abort", wake, { once: true });
  });
}

/** The ledger has rules and a block once the node is open. */
function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the chain has not begun");
  return value;
}
