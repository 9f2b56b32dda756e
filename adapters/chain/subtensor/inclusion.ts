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
  /** Finalized block at which it was signed; it is in a later one. */
  readonly birth: number;
  /** Last block that may hold it. */
  readonly last: number;
}

/** A transaction in a finalized block. */
export interface Inclusion {
  readonly kind: "included";
  readonly blockNumber: number;
  /** Name of the error by which it failed; undefined where it took effect. */
  readonly chainError: string | undefined;
}

/** What became of a transaction. */
export type Outcome =
  | Inclusion
  /** No block holds it, and none can any more. */
  | { readonly kind: "expired" };

const hashShape = z.string();
const bodyShape = z.looseObject({ block: z.looseObject({ extrinsics: z.array(z.string()) }) });

/** Pause after every endpoint has failed. */
const PAUSE_MS = 6_000;

/**
 * Resolves once a finalized block holds a transaction, or none can any more, however long the chain is away. Rejects with
 * the signal's reason.
 */
export async function awaitInclusion(session: Session, sent: SentTransaction, signal: AbortSignal): Promise<Outcome> {
  let next = sent.birth + 1;
  for (;;) {
    try {
      const { link, inclusion } = await session.run(signal, async (used) => {
        for (; next <= Math.min(used.head.number, sent.last); next += 1) {
          const found = await inclusionIn(used, sent, next, signal);
          if (found !== undefined) return { link: used, inclusion: found };
        }
        return { link: used, inclusion: undefined };
      });
      if (inclusion !== undefined) return inclusion;
      if (next > sent.last) return { kind: "expired" };
      await link.nextHead(signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ZipnetError) || error.reason !== "UNAVAILABLE") throw error;
      await session.clock.sleepUntil(session.clock.now() + PAUSE_MS, signal);
    }
  }
}

/** What a finalized block says of a transaction; undefined where it does not hold it. */
async function inclusionIn(
  link: Link,
  sent: SentTransaction,
  blockNumber: number,
  signal: AbortSignal,
): Promise<Inclusion | undefined> {
  const blockHash = hashShape.parse(await link.call("chain_getBlockHash", [blockNumber], signal));
  const { block } = bodyShape.parse(await link.call("chain_getBlock", [blockHash], signal));
  const index = block.extrinsics.findIndex((hex) => hex.toLowerCase() === sent.hex.toLowerCase());
  if (index === -1) return undefined;
  const runtime = await link.runtimeAt(blockHash, signal);
  const [events] = await readStorage(link, runtime, blockHash, [["system.events"]], signal);
  return { kind: "included", blockNumber, chainError: failureIn(runtime, events, index) };
}
