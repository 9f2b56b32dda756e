/**
 * The deployment that is measured: its keys, its metagraph, its epochs.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { readyCrypto, signerFromUri } from "../../adapters/wallet/wallet.js";
import { epochIdOf, epochNumberAt, epochStartMs } from "../../core/epoch-time.js";
import { sha256Hex, utf8ToBytes } from "../../core/hash.js";
import { sampleMetagraph, sampleNeuron } from "../../core/metagraph.test-support.js";
import type { Metagraph, Wallet } from "../../core/ports.js";
import { sample } from "../../core/samples.test-support.js";
import { sealRecord } from "../../core/signed-record.js";
import { EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { type WatchEpochsResponse, WatchEpochsResponseSchema } from "../../gen/zipnet/v1/epoch_service_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { SnapshotSchema } from "../../gen/zipnet/v1/submission_pb.js";

export const NETWORK = "local";
export const NETUID = 46;
/** Paths of the calls that are measured. */
export const WATCH_EPOCHS = "/zipnet.v1.EpochService/WatchEpochs";
export const GET_EPOCH = "/zipnet.v1.EpochService/GetEpoch";

/** What an epoch message is no shorter than, and every other message is shorter than. In bytes. */
export const LEAST_EPOCH_BYTES = 512;
/** As LEAST_EPOCH_BYTES, for the message that an epoch has closed. Bookmarks are shorter. */
export const LEAST_CLOSED_BYTES = 100;

/** Miners of the subnet; a chain of Bittensor holds no more hotkeys on one. */
const MINERS = 256;
const ZIP_CODES = 20;
/** About what a resume token of the server takes. */
const TOKEN_BYTES = 48;

/** The keys of a bench: the server's, and those that call it. */
export interface Keys {
  readonly server: Wallet;
  readonly miners: readonly Wallet[];
}

/** Makes the keys; the same every time. */
export async function makeKeys(): Promise<Keys> {
  const server = await serverKey();
  // From seeds, because a development phrase takes 8 ms each, which would count as the start of a server.
  const miners = Array.from({ length: MINERS }, (_, uid) =>
    signerFromUri(`0x${sha256Hex(utf8ToBytes(`miner ${uid}`))}`),
  );
  return { server, miners };
}

/** The server's key alone. */
export async function serverKey(): Promise<Wallet> {
  await readyCrypto();
  return signerFromUri("//Server");
}

/** The subnet, full of miners. */
export function metagraphOf({ server, miners }: Keys): Metagraph {
  const neurons = miners.map(({ hotkey }, uid) => sampleNeuron(uid, hotkey));
  return sampleMetagraph(neurons, { network: NETWORK, netuid: NETUID, ownerHotkey: server.hotkey });
}

/** Epochs of one length, made up but valid. */
export class Epochs {
  readonly #signer: Wallet;
  readonly #lengthSeconds: number;
  /** Number of the first: the current one by the machine's clock. */
  readonly first: number;

  constructor(signer: Wallet, lengthSeconds: number) {
    this.#signer = signer;
    this.#lengthSeconds = lengthSeconds;
    this.first = epochNumberAt(Date.now(), lengthSeconds);
  }

  idOf(number: number): string {
    return epochIdOf(epochStartMs(number, this.#lengthSeconds));
  }

  /** A signed epoch of 20 zip codes. */
  record(number: number): SignedRecord {
    const startMs = epochStartMs(number, this.#lengthSeconds);
    const epoch = sample(EpochSchema);
    epoch.number = number;
    epoch.id = this.idOf(number);
    epoch.startTime = timestampFromMs(startMs);
    epoch.closeTime = timestampFromMs(startMs + this.#lengthSeconds * 1000);
    if (epoch.seedBlock !== undefined) epoch.seedBlock.time = timestampFromMs(startMs + 250);
    const [assigned] = epoch.zipCodes;
    if (assigned === undefined || epoch.rules === undefined) throw new TypeError("the sample epoch is not whole");
    epoch.zipCodes = Array.from({ length: ZIP_CODES }, (_, index) => ({
      ...assigned,
      zipCode: String(10_000 + 137 * index),
      expectedListings: 500,
      place: `Springfield Heights ${index}`,
    }));
    epoch.expectedListings = 500 * ZIP_CODES;
    epoch.rules.targetListings = epoch.expectedListings;
    epoch.rules.speedGraceMs = Math.floor((this.#lengthSeconds * 1000) / 16);
    return sealRecord(EpochSchema, epoch, this.#signer);
  }

  /** The signed snapshot of an epoch that nobody submitted to. */
  snapshot(number: number): SignedRecord {
    const snapshot = sample(SnapshotSchema);
    snapshot.epochNumber = number;
    snapshot.epochId = this.idOf(number);
    snapshot.receipts = [];
    return sealRecord(SnapshotSchema, snapshot, this.#signer);
  }

  /** What the server streams when the epoch opens. */
  message(number: number): WatchEpochsResponse {
    return create(WatchEpochsResponseSchema, {
      ...envelopeFields(),
      event: { case: "epoch", value: this.record(number) },
    });
  }
}

/** What the server streams when nothing happens. */
export function bookmark(): WatchEpochsResponse {
  return create(WatchEpochsResponseSchema, { ...envelopeFields(), event: { case: "bookmark", value: {} } });
}

function envelopeFields() {
  const resumeToken = utf8ToBytes(sha256Hex(utf8ToBytes("zipnet bench token"))).subarray(0, TOKEN_BYTES);
  return { resumeToken, serverTime: timestampFromMs(Date.now()) };
}

/** Message bytes as they travel on a gRPC stream. */
export function grpcFrame(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}

/** The same, of a stream's message. */
export function watchFrame(message: WatchEpochsResponse): Buffer {
  return grpcFrame(toBinary(WatchEpochsResponseSchema, message));
}
