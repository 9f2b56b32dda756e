/**
 * The chain of blocks: making them, finalizing them with a lag, and replacing what is not final yet.
 */
import { u8aConcat, u8aToHex, compactToU8a, hexToU8a } from "@polkadot/util";
import { PalletError, dispatch } from "./pallet.js";
import { type Transaction, callOf } from "./pool.js";
import { revealCommits } from "./reveal.js";
import type { Runtime } from "./runtime.js";
import type { State } from "./state.js";
import { runEpoch } from "./subnet.js";

/** A header as JSON-RPC has it. */
interface Header {
  readonly parentHash: string;
  /** Hexadecimal. */
  readonly number: string;
  readonly stateRoot: string;
  readonly extrinsicsRoot: string;
  readonly digest: { readonly logs: readonly string[] };
}

/** A block with the storage after it. */
export interface NodeBlock {
  readonly number: number;
  readonly hash: string;
  readonly header: Header;
  readonly timeMs: number;
  readonly specVersion: number;
  /** The block's extrinsics, hexadecimal; the first one sets the time. */
  readonly extrinsics: readonly string[];
  readonly transactions: readonly Transaction[];
  readonly state: State;
}

const ZERO = `0x${"00".repeat(32)}`;

/** Phase, event and topics of a transaction's outcome. */
function outcomeRecord(index: number, refused: { pallet: number; error: number } | undefined): Uint8Array {
  const place = new DataView(new ArrayBuffer(4));
  place.setUint32(0, index, true);
  // Weight 1 and 0, the normal class, no fee.
  const info = [0x04, 0x00, 0x00, 0x01];
  const outcome = refused === undefined ? [0x00] : [0x01, 0x03, refused.pallet, refused.error, 0, 0, 0];
  return u8aConcat([0x00], new Uint8Array(place.buffer), [0x00], outcome, info, [0x00]);
}

/** The unsigned extrinsic that sets a block's time, by the metadata's positions of Timestamp and set. */
function timeExtrinsic(timeMs: number): string {
  const body = u8aConcat([0x04, 0x02, 0x00], compactToU8a(timeMs));
  return u8aToHex(u8aConcat(compactToU8a(body.length), body));
}

/** The block after a parent, or the first one, with these transactions in it. */
export function nextBlock(
  runtime: Runtime,
  parent: NodeBlock | undefined,
  before: State,
  made: { readonly netuid: number; readonly timeMs: number; readonly specVersion: number; readonly salt: string },
  transactions: readonly Transaction[],
): NodeBlock {
  const { netuid, timeMs, specVersion } = made;
  const number = parent === undefined ? 0 : parent.number + 1;
  const state = before.copy();
  state.put("timestamp.now", [], timeMs);
  state.put("system.number", [], number);
  revealCommits(state, netuid, number);
  runEpoch(state, netuid, number);
  const records = [outcomeRecord(0, undefined)];
  for (const transaction of transactions) {
    const account = state.get("system.account", transaction.signer) as object;
    state.put("system.account", [transaction.signer], { ...account, nonce: transaction.nonce + 1 });
    let refused: { pallet: number; error: number } | undefined;
    try {
      dispatch(state, callOf(transaction), number);
    } catch (error) {
      if (!(error instanceof PalletError)) throw error;
      refused = runtime.errorPosition(error.chainError);
    }
    records.push(outcomeRecord(records.length, refused));
  }
  state.putRaw("system.events", u8aToHex(u8aConcat(compactToU8a(records.length), ...records)));
  const extrinsics = [timeExtrinsic(timeMs), ...transactions.map(({ hex }) => hex)];
  const root = u8aToHex(runtime.registry.hash(u8aConcat(...extrinsics.map((hex) => hexToU8a(hex)), made.salt)));
  const header = {
    parentHash: parent?.hash ?? ZERO,
    number: `0x${number.toString(16)}`,
    stateRoot: root,
    extrinsicsRoot: root,
    digest: { logs: [] },
  };
  const hash = runtime.registry.createTypeUnsafe("Header", [header]).hash.toHex();
  return { number, hash, header, timeMs, specVersion, extrinsics, transactions, state };
}
