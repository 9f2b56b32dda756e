/**
 * The node's JSON-RPC methods.
 */
import { compactToU8a, hexToU8a, u8aConcat, u8aToHex } from "@polkadot/util";
import { encodeAddress } from "@polkadot/util-crypto";
import type { NodeBlock } from "./blocks.js";
import { metagraphOf, nextEpochBlock } from "./metagraph.js";
import type { SubtensorNode } from "./node.js";
import { RpcFailure } from "./pool.js";

/** How far behind the chain an endpoint is, in blocks. */
export interface View {
  readonly node: SubtensorNode;
  lagBlocks: number;
}

type Method = (view: View, params: readonly unknown[]) => unknown;

/** The newest and the newest finalized block as an endpoint sees them. */
export function headsOf({ node, lagBlocks }: View): { readonly best: NodeBlock; readonly finalized: NodeBlock } {
  const at = (block: NodeBlock): NodeBlock => node.block(Math.max(0, block.number - lagBlocks)) ?? block;
  return { best: at(node.best), finalized: at(node.finalized) };
}

function blockAt(view: View, hash: unknown): NodeBlock {
  if (hash === undefined || hash === null) return headsOf(view).best;
  const block = view.node.blockOf(String(hash));
  if (block === undefined || block.number > headsOf(view).best.number) {
    throw new RpcFailure(
      4003,
      `Client error: UnknownBlock: Expect block number from id: BlockId::Hash(${String(hash)})`,
    );
  }
  return block;
}

/** A block whose state can be read. */
function stateAt(view: View, hash: unknown): NodeBlock {
  const block = blockAt(view, hash);
  if (view.node.hasState(block)) return block;
  throw new RpcFailure(4003, `Client error: UnknownBlock: State already discarded for ${block.hash}`);
}

function versionAt({ node }: View, { specVersion }: NodeBlock): object {
  const { transactionVersion } = node.runtime;
  const name = { specName: "node-subtensor", implName: "node-subtensor", authoringVersion: 1, implVersion: 1 };
  return { ...name, specVersion, transactionVersion, stateVersion: 1, apis: [["0x37e397fc7c91f5e4", 2]] };
}

/** Newest version of the metadata that the node has. */
const METADATA_VERSION = 16;

function stateCall(view: View, [name, data, hash]: readonly unknown[]): string {
  const block = stateAt(view, hash);
  const { runtime, netuid } = view.node;
  const input = hexToU8a(String(data));
  const api = String(name);
  if (api === "Metadata_metadata_versions") return u8aToHex(u8aConcat(compactToU8a(1), [METADATA_VERSION, 0, 0, 0]));
  if (api === "Metadata_metadata_at_version") {
    if (input[0] !== METADATA_VERSION) return "0x00";
    return u8aToHex(u8aConcat([1], compactToU8a(runtime.metadata.length), runtime.metadata));
  }
  const isOurs = input.length === 2 && input[0] === (netuid & 255) && input[1] === netuid >> 8;
  const answers: Readonly<Record<string, () => unknown>> = {
    AccountNonceApi_account_nonce: () => block.state.nonceOf(encodeAddress(input, 42)),
    AuraApi_slot_duration: () => view.node.blockTimeMs,
    SubnetInfoRuntimeApi_get_metagraph: () => (isOurs ? metagraphOf(block, netuid) : null),
    SubnetInfoRuntimeApi_get_next_epoch_start_block: () => (isOurs ? nextEpochBlock(block, netuid) : null),
  };
  const answer = answers[api];
  const encoded = answer === undefined ? undefined : runtime.encodeAnswer(api, answer());
  if (encoded !== undefined) return encoded;
  throw new RpcFailure(4003, `Client error: Execution failed: Exported method ${api} is not found`);
}

const METHODS: Readonly<Record<string, Method>> = {
  system_chain: () => "Bittensor",
  system_properties: () => ({ ss58Format: 42, tokenDecimals: 9, tokenSymbol: "TAO" }),
  system_accountNextIndex: ({ node }, [hotkey]) => node.nextNonce(String(hotkey)),
  chain_getBlockHash(view, [number]) {
    const { best } = headsOf(view);
    if (number === undefined || number === null) return best.hash;
    return Number(number) > best.number ? null : (view.node.block(Number(number))?.hash ?? null);
  },
  chain_getFinalizedHead: (view) => headsOf(view).finalized.hash,
  chain_getHeader: (view, [hash]) => blockAt(view, hash).header,
  chain_getBlock(view, [hash]) {
    const { header, extrinsics } = blockAt(view, hash);
    return { block: { header, extrinsics }, justifications: null };
  },
  state_getRuntimeVersion: (view, [hash]) => versionAt(view, stateAt(view, hash)),
  state_getStorage: (view, [key, hash]) => stateAt(view, hash).state.raw(String(key)) ?? null,
  state_queryStorageAt(view, [keys, hash]) {
    const block = stateAt(view, hash);
    return [{ block: block.hash, changes: (keys as string[]).map((key) => [key, block.state.raw(key) ?? null]) }];
  },
  state_call: stateCall,
  author_submitExtrinsic: ({ node }, [hex]) => node.submit(String(hex)),
};

/** Answers a call. Throws RpcFailure. */
export function answerOf(view: View, method: string, params: readonly unknown[]): unknown {
  if (method === "rpc_methods") return { methods: [...Object.keys(METHODS), "chain_subscribeFinalizedHeads"] };
  const answer = METHODS[method];
  if (answer === undefined) throw new RpcFailure(-32_601, "Method not found");
  return answer(view, params);
}
