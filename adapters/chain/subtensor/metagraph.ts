/**
 * The subnet at one finalized block: the runtime's own summary of it, and the storage that the summary leaves out.
 */
import { z } from "zod";
import { ZipnetError } from "../../../core/errors.js";
import type { Axon, Metagraph, Neuron, UidWeight } from "../../../core/ports.js";
import { addressOf } from "./addresses.js";
import type { Blocks } from "./blocks.js";
import type { Head, Link } from "./link.js";
import type { ApiName, Runtime, StorageItem } from "./runtime.js";

const METAGRAPH: ApiName = "SubnetInfoRuntimeApi_get_metagraph";
const NEXT_EPOCH: ApiName = "SubnetInfoRuntimeApi_get_next_epoch_start_block";

/** Integers that do not fit a number come as hexadecimal text. */
export const bigShape = z.union([z.int(), z.string().regex(/^0x[0-9a-f]+$/i)]).transform((value) => BigInt(value));
/** Whatever is far beyond what can happen is as good as never. */
const blockShape = bigShape.transform((value) => Number(value > 0xff_ff_ff_ffn ? 0xff_ff_ff_ffn : value));

/** The fields of the summary that are read. Others may come and go. */
const summaryShape = z.looseObject({
  ownerHotkey: z.string(),
  tempo: z.int(),
  minAllowedWeights: z.int(),
  weightsVersion: bigShape,
  weightsRateLimit: blockShape,
  commitRevealWeightsEnabled: z.boolean(),
  commitRevealPeriod: blockShape,
  activityCutoff: blockShape,
  hotkeys: z.array(z.string()),
  coldkeys: z.array(z.string()),
  axons: z.array(z.looseObject({ ip: bigShape, port: z.int(), ipType: z.int() })),
  validatorPermit: z.array(z.boolean()),
  lastUpdate: z.array(blockShape),
  blockAtRegistration: z.array(blockShape),
  dividends: z.array(z.int()),
  incentives: z.array(z.int()),
  consensus: z.array(z.int()),
  totalStake: z.array(bigShape),
});

type Summary = z.infer<typeof summaryShape>;

const answerShape = z.string();
const changesShape = z.array(
  z.looseObject({ changes: z.array(z.tuple([z.string(), z.union([z.string(), z.null()])])) }),
);
const rowShape = z.array(z.tuple([z.int(), z.int()]));

/** The chain's name for a subnet that it does not have. */
export const SUBNET_MISSING = "SubnetNotExists";

/** Which subnet to read. */
export interface SubnetName {
  readonly network: string;
  readonly netuid: number;
}

/** A place in the storage, with its arguments. */
export type StoragePlace = readonly [item: StorageItem, ...args: unknown[]];

/** Values of the storage at a block as JSON, in one call; undefined for items that the runtime does not have. */
export async function readStorage(
  link: Link,
  runtime: Runtime,
  hash: string,
  places: readonly StoragePlace[],
  signal: AbortSignal,
): Promise<unknown[]> {
  const keys = places.map(([item, ...args]) => (runtime.hasStorage(item) ? runtime.storageKey(item, ...args) : ""));
  const asked = keys.filter((key) => key !== "");
  const [set] = changesShape.parse(await link.call("state_queryStorageAt", [asked, hash], signal));
  const values = new Map(set?.changes);
  return places.map(([item], index) => {
    const key = keys[index] ?? "";
    return key === "" ? undefined : runtime.decodeStorage(item, values.get(key) ?? null);
  });
}

/** The subnet at an endpoint's newest finalized block. Rejects with UNAVAILABLE where there is no such subnet. */
export async function readMetagraph(
  link: Link,
  blocks: Blocks,
  subnet: SubnetName,
  signal: AbortSignal,
): Promise<Metagraph> {
  const { head } = link;
  const runtime = await link.runtimeAt(head.hash, signal);
  if (!runtime.hasApi(METAGRAPH)) {
    throw new Error(`runtime ${runtime.specVersion} of the chain has no ${METAGRAPH}; this program needs it`);
  }
  const answer = answerShape.parse(await link.call("state_call", [METAGRAPH, u16(subnet.netuid), head.hash], signal));
  const found = runtime.decodeAnswer(METAGRAPH, answer);
  if (found === null) {
    const what = `the chain has no subnet ${subnet.netuid} at block ${head.number}; check the netuid and the network`;
    throw new ZipnetError("UNAVAILABLE", what, { chain_error: SUBNET_MISSING });
  }
  const summary = summaryShape.parse(found);
  const { rows, trust, minStakeRao } = await readRows(
    link,
    runtime,
    head,
    subnet.netuid,
    summary.hotkeys.length,
    signal,
  );
  return {
    ...subnet,
    block: await blocks.ofHead(link, head, signal),
    tempo: summary.tempo,
    nextEpochBlock: await readNextEpoch(link, runtime, head, { ...subnet, tempo: summary.tempo }, signal),
    ownerHotkey: summary.ownerHotkey,
    weightsRateLimit: summary.weightsRateLimit,
    minAllowedWeights: summary.minAllowedWeights,
    weightsVersionKey: summary.weightsVersion,
    minStakeRao,
    revealPeriodEpochs: summary.commitRevealWeightsEnabled ? summary.commitRevealPeriod : 0,
    activityCutoff: summary.activityCutoff,
    neurons: summary.hotkeys.map((_, uid) => neuronOf(summary, uid, rows[uid] ?? [], trust[uid] ?? 0)),
  };
}

async function readRows(
  link: Link,
  runtime: Runtime,
  { hash }: Head,
  netuid: number,
  count: number,
  signal: AbortSignal,
): Promise<{ rows: UidWeight[][]; trust: number[]; minStakeRao: bigint }> {
  const places: StoragePlace[] = Array.from({ length: count }, (_, uid) => ["subtensorModule.weights", netuid, uid]);
  places.push(["subtensorModule.validatorTrust", netuid], ["subtensorModule.stakeThreshold"]);
  const values = await readStorage(link, runtime, hash, places, signal);
  const minStakeRao = bigShape.parse(values.pop() ?? 0);
  const trust = z.array(z.int()).parse(values.pop() ?? []);
  const rows = values.map((value) =>
    rowShape
      .parse(value)
      .map(([uid, weightU16]) => ({ uid, weightU16 }))
      .toSorted((a, b) => a.uid - b.uid),
  );
  return { rows, trust, minStakeRao };
}

/** Where the next epoch runs; runtimes before the stateful schedule had a formula instead. */
async function readNextEpoch(
  link: Link,
  runtime: Runtime,
  { number, hash }: Head,
  { netuid, tempo }: { readonly netuid: number; readonly tempo: number },
  signal: AbortSignal,
): Promise<number> {
  if (!runtime.hasApi(NEXT_EPOCH)) return number + tempo - ((number + netuid + 1) % (tempo + 1));
  const answer = answerShape.parse(await link.call("state_call", [NEXT_EPOCH, u16(netuid), hash], signal));
  // A subnet without epochs has none; an epoch that the chain put off is due with the next block.
  const next = z.union([blockShape, z.null()]).parse(runtime.decodeAnswer(NEXT_EPOCH, answer));
  return Math.max(next ?? 0, number + 1);
}

function neuronOf(summary: Summary, uid: number, weights: readonly UidWeight[], validatorTrustU16: number): Neuron {
  const axon = axonOf(summary.axons[uid]);
  return {
    uid,
    hotkey: summary.hotkeys[uid] ?? "",
    coldkey: summary.coldkeys[uid] ?? "",
    stakeRao: summary.totalStake[uid] ?? 0n,
    validatorPermit: summary.validatorPermit[uid] ?? false,
    lastUpdateBlock: summary.lastUpdate[uid] ?? 0,
    registeredBlock: summary.blockAtRegistration[uid] ?? 0,
    incentiveU16: summary.incentives[uid] ?? 0,
    dividendsU16: summary.dividends[uid] ?? 0,
    validatorTrustU16,
    consensusU16: summary.consensus[uid] ?? 0,
    weights,
    ...(axon === undefined ? {} : { axon }),
  };
}

/** What a neuron announced; undefined for nothing, and for what is no address. */
function axonOf(axon: Summary["axons"][number] | undefined): Axon | undefined {
  if (axon === undefined || axon.ip === 0n || axon.port === 0) return undefined;
  const ip = addressOf(axon.ip, axon.ipType);
  return ip === undefined ? undefined : { ip, port: axon.port };
}

/** A u16 as the runtime's APIs take it. */
function u16(value: number): string {
  return `0x${(value & 255).toString(16).padStart(2, "0")}${(value >> 8).toString(16).padStart(2, "0")}`;
}
