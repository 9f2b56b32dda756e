/**
 * What became of a transaction, found from finalized blocks alone, so that no lost subscription, dropped connection or
 * reorganization can hide or double it.
 */
import { z } from "zod";
import { ZipnetError } from "../../../core/errors.js";
import { failureIn } from "./extrinsic.js";
import type { Link } from "./link.js";
import { readStorage } from "./metagraph.js";
import type { Session } from "./session.js";

/** A transaction that a pool was given. */
export interface SentTransaction {
  readonly hotkey: string;
  /** The whole signed transaction, hexadecimal. */
  readonly hex: string;
  readonly nonce: number;
  /** Finalized block at which it was signed; it is in a later one. */
  readonly birth: number;
  /** Last block that may hold it. */
  readonly last: number;
}

/** A transaction in a finalized block. */
export interface Inclusion {
  readonly kind: "included";
  readonly blockNumber: number;
  /** With "0x". */
  readonly blockHash: string;
  /** Name of the error by which it failed; undefined where it took effect. */
  readonly chainError: string | undefined;
}

/** What became of a transaction. */
export type Outcome =
  | Inclusion
  /** No block holds it, and none can any more. */
  | { readonly kind: "expired" }
  /** Another transaction of the hotkey has its nonce. */
  | { readonly kind: "replaced" };

const accountShape = z.looseObject({ nonce: z.int().min(0) });
const hashShape = z.string();
const bodyShape = z.looseObject({ block: z.looseObject({ extrinsics: z.array(z.string()) }) });

/** The nonce that a hotkey's next transaction has in the finalized state. */
export async function finalizedNonce(link: Link, hotkey: string, signal: AbortSignal): Promise<number> {
  const [account] = await readStorage(link, link.runtime, link.head.hash, [["system.account", hotkey]], signal);
  return accountShape.parse(account).nonce;
}

/** Pause after every endpoint has failed. */
const PAUSE_MS = 6_000;

/** Resolves once a finalized block shows what became of a transaction, however long the chain is away. Rejects with the signal's reason. */
export async function awaitInclusion(session: Session, sent: SentTransaction, signal: AbortSignal): Promise<Outcome> {
  for (;;) {
    try {
      const { link, outcome } = await session.run(signal, async (used) => ({
        link: used,
        outcome: await look(used, sent, signal),
      }));
      if (outcome !== undefined) return outcome;
      await link.nextHead(signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ZipnetError) || error.reason !== "UNAVAILABLE") throw error;
      await session.clock.sleepUntil(session.clock.now() + PAUSE_MS, signal);
    }
  }
}

async function look(link: Link, sent: SentTransaction, signal: AbortSignal): Promise<Outcome | undefined> {
  const { number } = link.head;
  if (number <= sent.birth) return undefined;
  if ((await finalizedNonce(link, sent.hotkey, signal)) <= sent.nonce) {
    return number >= sent.last ? { kind: "expired" } : undefined;
  }
  for (let candidate = sent.birth + 1; candidate <= Math.min(number, sent.last); candidate += 1) {
    const hash = hashShape.parse(await link.call("chain_getBlockHash", [candidate], signal));
    const { block } = bodyShape.parse(await link.call("chain_getBlock", [hash], signal));
    const index = block.extrinsics.findIndex((hex) => hex.toLowerCase() === sent.hex.toLowerCase());
    if (index === -1) continue;
    const runtime = await link.runtimeAt(hash, signal);
    const [events] = await readStorage(link, runtime, hash, [["system.events"]], signal);
    return { kind: "included", blockNumber: candidate, blockHash: hash, chainError: failureIn(runtime, events, index) };
  }
  return { kind: "replaced" };
}
