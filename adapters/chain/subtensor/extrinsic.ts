/**
 * Signed transactions, and what became of them in a block.
 */
import { GenericExtrinsicEra, type GenericExtrinsic } from "@polkadot/types";
import { hexToU8a, u8aConcat } from "@polkadot/util";
import { z } from "zod";
import type { Signer } from "../../../core/ports.js";
import type { Runtime } from "./runtime.js";

/** Blocks for which a transaction is good: it is either in one of them, or never will be. A power of two. */
const ERA_BLOCKS = 32;

/** Marks a signature as sr25519. */
const SR25519 = 1;
/** Longer messages are signed by their hash. */
const LONGEST_PLAIN_BYTES = 256;

/** From when on a transaction is good, and in whose order. */
export interface Placing {
  readonly genesisHash: string;
  /** Block at which the era begins. */
  readonly birthNumber: number;
  readonly birthHash: string;
  readonly nonce: number;
}

/** A signed transaction, hexadecimal. */
export function signedTransaction(runtime: Runtime, call: string, signer: Signer, placing: Placing): string {
  const { registry, specVersion, transactionVersion } = runtime;
  const era = new GenericExtrinsicEra(registry, { current: placing.birthNumber, period: ERA_BLOCKS });
  const payload = {
    address: signer.hotkey,
    method: call,
    era: era.toHex(),
    nonce: placing.nonce,
    tip: 0,
    specVersion,
    transactionVersion,
    genesisHash: `0x${placing.genesisHash}`,
    blockHash: placing.birthHash,
    blockNumber: placing.birthNumber,
    signedExtensions: registry.signedExtensions,
    mode: 0,
    metadataHash: null,
    version: 4,
  };
  const bytes = registry.createTypeUnsafe("ExtrinsicPayload", [payload, { version: 4 }]).toU8a({ method: true });
  const message = bytes.length > LONGEST_PLAIN_BYTES ? registry.hash(bytes) : bytes;
  const body = registry.createTypeUnsafe("Call", [hexToU8a(call)]);
  const extrinsic = registry.createTypeUnsafe<GenericExtrinsic>("Extrinsic", [body, { version: 4 }]);
  const signature = u8aConcat([SR25519], signer.sign(message));
  return extrinsic.addSignature(signer.hotkey, signature, payload as never).toHex();
}

/** Last block that may hold a transaction whose era begins at a block. */
export function lastBlockOf(birthNumber: number): number {
  return birthNumber + ERA_BLOCKS - 1;
}

const recordsShape = z.array(
  z.looseObject({
    phase: z.looseObject({ applyExtrinsic: z.int().optional() }),
    event: z.looseObject({ index: z.string(), data: z.array(z.unknown()) }),
  }),
);
const moduleShape = z.looseObject({ module: z.looseObject({ index: z.int(), error: z.string() }) });

/** Name of the error by which a block's transaction failed; undefined where it did not. */
export function failureIn(runtime: Runtime, events: unknown, index: number): string | undefined {
  const records = recordsShape.parse(events).filter(({ phase }) => phase.applyExtrinsic === index);
  const failed = records.find(({ event }) => event.index === FAILED);
  if (failed === undefined) return undefined;
  const [dispatchError] = failed.event.data;
  const found = moduleShape.safeParse(dispatchError);
  if (!found.success) return JSON.stringify(dispatchError);
  const { index: pallet, error } = found.data.module;
  return runtime.errorName(pallet, hexToU8a(error)[0] ?? 0);
}

/** System.ExtrinsicFailed: the second event of the first pallet, of which every chain of this kind consists. */
const FAILED = "0x0001";
