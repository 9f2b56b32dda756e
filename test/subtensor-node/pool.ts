/**
 * The pool: what a transaction must be to get in.
 */
import type { GenericExtrinsic } from "@polkadot/types";
import { stringCamelCase } from "@polkadot/util";
import { decodeAddress, sr25519Verify } from "@polkadot/util-crypto";
import { type PalletCall, poolRefusal } from "./pallet.js";
import type { Runtime } from "./runtime.js";
import type { State } from "./state.js";

/** A transaction that passed the pool's checks. */
export interface Transaction {
  readonly hex: string;
  readonly hash: string;
  readonly signer: string;
  readonly nonce: number;
  /** Last block that may hold it. */
  readonly lastBlock: number;
  readonly extrinsic: GenericExtrinsic;
}

/** An error of JSON-RPC. */
export class RpcFailure extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data?: string | object,
  ) {
    super(message);
  }
}

/** What the pool looks at. */
export interface PoolView {
  readonly runtime: Runtime;
  readonly specVersion: number;
  readonly genesisHash: string;
  /** Number of the newest block. */
  readonly bestNumber: number;
  /** State after it. */
  readonly state: State;
  readonly pending: readonly Transaction[];
  /** Hash of a block of the best chain. */
  hashOf(number: number): string | undefined;
}

const invalid = (data: string): RpcFailure => new RpcFailure(1010, "Invalid Transaction", data);

/** A pallet call out of a transaction. */
export function callOf({ extrinsic, signer }: Transaction): PalletCall {
  const { method } = extrinsic;
  const values = method.toJSON() as { args: Record<string, unknown> };
  const args = Object.fromEntries(Object.entries(values.args).map(([name, value]) => [stringCamelCase(name), value]));
  return { method: method.method, hotkey: signer, args };
}

/** Lets a transaction in. Throws RpcFailure, as the node answers, for one that it does not take. */
export function admit(hex: string, view: PoolView): Transaction {
  const { runtime, state } = view;
  let extrinsic: GenericExtrinsic;
  try {
    extrinsic = runtime.extrinsic(hex);
  } catch (error) {
    throw new RpcFailure(1002, `Extrinsic has invalid format: ${String(error)}`);
  }
  if (!extrinsic.isSigned) throw invalid("Transaction dispatch is mandatory; transactions must not be validated.");
  const signer = extrinsic.signer.toString();
  const hash = extrinsic.hash.toHex();
  const nonce = extrinsic.nonce.toNumber();
  if (view.pending.some((other) => other.hash === hash)) throw new RpcFailure(1013, "Transaction Already Imported");
  const lastBlock = checkEra(extrinsic, view);
  if (!isSignedBy(extrinsic, view, lastBlock)) throw invalid("Transaction has a bad signature");
  const rival = view.pending.find((other) => other.signer === signer && other.nonce === nonce);
  if (rival !== undefined) throw new RpcFailure(1014, "Priority is too low: (0 vs 0)");
  const expected = state.nonceOf(signer);
  if (nonce < expected) throw invalid("Transaction is outdated");
  const transaction = { hex, hash, signer, nonce, lastBlock: lastBlock.number, extrinsic };
  const custom = poolRefusal(state, callOf(transaction), view.bestNumber + 1);
  if (custom !== undefined) throw invalid(`Custom error: ${custom}`);
  return transaction;
}

interface Era {
  /** Last block that may hold the transaction. */
  readonly number: number;
  /** Hash of its first block. */
  readonly birthHash: string;
}

function checkEra({ era }: GenericExtrinsic, view: PoolView): Era {
  if (!era.isMortalEra) return { number: Infinity, birthHash: view.genesisHash };
  const birth = era.asMortalEra.birth(view.bestNumber);
  const birthHash = view.hashOf(birth);
  const number = era.asMortalEra.death(view.bestNumber) - 1;
  if (birthHash === undefined || number < view.bestNumber + 1) throw invalid("Transaction has an ancient birth block");
  return { number, birthHash };
}

function isSignedBy(extrinsic: GenericExtrinsic, { runtime, specVersion, genesisHash }: PoolView, era: Era): boolean {
  const { registry, transactionVersion } = runtime;
  const payload = registry.createTypeUnsafe("ExtrinsicPayload", [
    {
      method: extrinsic.method.toHex(),
      era: extrinsic.era,
      nonce: extrinsic.nonce,
      tip: extrinsic.tip,
      specVersion,
      transactionVersion,
      genesisHash,
      blockHash: era.birthHash,
      mode: extrinsic.mode,
      metadataHash: extrinsic.metadataHash,
    },
    { version: 4 },
  ]);
  const bytes = payload.toU8a({ method: true });
  const message = bytes.length > 256 ? registry.hash(bytes) : bytes;
  try {
    return sr25519Verify(message, extrinsic.signature.toU8a(true), decodeAddress(extrinsic.signer.toString()));
  } catch {
    return false;
  }
}
