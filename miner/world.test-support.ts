/**
 * A world for miners to be tested in: one epoch, a server with signed calls and real uploads into a real store, and a
 * manual clock. What the server does with a manifest is as small as it can be; what the miner sees of it is real.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";

import { type ManualClock, manualClock } from "../adapters/clock/manual-clock.js";
import { type FolderObjects, openFolderObjects } from "../adapters/objects/folder/folder-objects.js";
import { readyCrypto, signerFromUri, verifySr25519 } from "../adapters/wallet/wallet.js";
import { epochIdOf, startMsOfEpochId } from "../core/epoch-time.js";
import { ZipnetError } from "../core/errors.js";
import { DATA_CONTENT_TYPE, dataKey } from "../core/object-keys.js";
import type { Signer } from "../core/ports.js";
import { START_MS, sample } from "../core/samples.test-support.js";
import { openRecord, payloadSha256, sealRecord } from "../core/signed-record.js";
import { defaultRules } from "../core/rules.js";
import { AssignedZipCodeSchema, type Epoch, EpochSchema, RulesSchema } from "../gen/zipnet/v1/epoch_pb.js";
import { SeedBlockSchema, type SignedRecord } from "../gen/zipnet/v1/record_pb.js";
import { type Manifest, ManifestSchema, type Progress, ReceiptSchema } from "../gen/zipnet/v1/submission_pb.js";
import { type ObjectSpec, SubmissionService } from "../gen/zipnet/v1/submission_service_pb.js";
import { callerOf } from "../rpc/auth/callers.js";
import { type Clients, createClients } from "../rpc/client/client.js";
import { mapCache } from "../rpc/kit.test-support.js";
import { type HttpMount, startRpcServer } from "../rpc/serving/server.js";
import { quietLog } from "../test/support/quiet-log.js";

/** Length of the epochs of this world. */
export const EPOCH_LENGTH_MS = 600_000;

/** What epochs expect of a zip code unless told: few, so that a source with hardly any is believed. */
const EXPECTED_LISTINGS = 10;

/** Calls that a test may make fail. */
type CallName = "grant" | "finalize" | "submission" | "progress";

/** What a test may change about the server. What these throw is the answer to the call. */
interface Hooks {
  beforeCall: (name: CallName) => void | Promise<void>;
  /** After the call has taken effect. */
  afterCall: (name: CallName) => void;
  /** Until when submissions to an epoch are taken, in unix milliseconds. */
  acceptedUntilMs: (epochId: string) => number;
}

/** What the server holds. */
interface Held {
  readonly clock: ManualClock;
  readonly server: Signer;
  readonly objects: FolderObjects;
  readonly hooks: Hooks;
  /** Every call that reached the server, in order. */
  readonly calls: CallName[];
  readonly progress: Progress[];
  /** Frozen manifests with their receipts, by epoch. */
  readonly submissions: Map<string, Frozen>;
}

interface Frozen {
  readonly record: SignedRecord;
  readonly manifest: Manifest;
  readonly receipt: SignedRecord;
}

/** The world. */
export interface World extends Held {
  readonly network: string;
  readonly netuid: number;
  readonly miner: Signer;
  readonly clients: Clients;
  /** PUTs that reached the store, by key. */
  readonly puts: ReadonlyMap<string, number>;
  /** The epoch that starts so many epoch lengths after the first one. `expected`: listings of a zip code, by default 10. */
  epoch(
    index: number,
    zipCodes: readonly string[],
    expected?: (zipCode: string) => number,
  ): { readonly epoch: Epoch; readonly record: SignedRecord };
  close(): Promise<void>;
}

function epochOf(
  server: Signer,
  index: number,
  zipCodes: readonly string[],
  expected: (zipCode: string) => number = () => EXPECTED_LISTINGS,
): { epoch: Epoch; record: SignedRecord } {
  const startMs = START_MS + index * EPOCH_LENGTH_MS;
  const assigned = zipCodes.map((zipCode) =>
    create(AssignedZipCodeSchema, { zipCode, expectedListings: expected(zipCode), state: "WA" }),
  );
  const expectedListings = assigned.reduce((sum, each) => sum + each.expectedListings, 0);
  const base = sample(EpochSchema);
  const epoch = create(EpochSchema, {
    ...base,
    number: startMs / EPOCH_LENGTH_MS,
    id: epochIdOf(startMs),
    startTime: timestampFromMs(startMs),
    closeTime: timestampFromMs(startMs + EPOCH_LENGTH_MS),
    seedBlock: create(SeedBlockSchema, { ...sample(SeedBlockSchema), time: timestampFromMs(startMs + 1) }),
    zipCodes: assigned,
    expectedListings,
    rules: create(RulesSchema, { ...defaultRules(EPOCH_LENGTH_MS / 1000), targetListings: expectedListings }),
  });
  return { epoch, record: sealRecord(EpochSchema, epoch, server) };
}

function closeOf(epochId: string): number {
  return (startMsOfEpochId(epochId) ?? 0) + EPOCH_LENGTH_MS;
}

function assertOpen(held: Held, epochId: string): void {
  if (held.clock.now() >= held.hooks.acceptedUntilMs(epochId))
    throw new ZipnetError("EPOCH_CLOSED", `epoch ${epochId} is closed`);
}

async function freeze(held: Held, record: SignedRecord, hotkey: string): Promise<Frozen> {
  const manifest = openRecord(ManifestSchema, record, verifySr25519, hotkey);
  const { epochId } = manifest;
  const before = held.submissions.get(epochId);
  if (before !== undefined && payloadSha256(before.record) === payloadSha256(record)) return before;
  if (before !== undefined) throw new ZipnetError("ALREADY_FINALIZED", "finalized with another manifest");
  assertOpen(held, epochId);
  for (const { key, sizeBytes, md5, zipCode } of manifest.objects) {
    const info = await held.objects.head(key);
    const metadata = { key, zip_code: zipCode };
    if (info === undefined) throw new ZipnetError("OBJECT_MISSING", `${key} is missing`, metadata);
    if (info.sizeBytes !== sizeBytes || info.md5 !== md5) throw new ZipnetError("OBJECT_DIFFERS", key, metadata);
  }
  const receipt = sealRecord(
    ReceiptSchema,
    {
      epochId,
      hotkey,
      manifestSha256: payloadSha256(record),
      position: 1,
      receivedTime: timestampFromMs(held.clock.now()),
      objectCount: manifest.objects.length,
      totalBytes: manifest.objects.reduce((sum, object) => sum + BigInt(object.sizeBytes), 0n),
    },
    held.server,
  );
  const frozen = { record, manifest, receipt };
  held.submissions.set(epochId, frozen);
  return frozen;
}

async function grantOf(held: Held, epochId: string, hotkey: string, spec: ObjectSpec) {
  const key = dataKey(hotkey, epochId, spec.zipCode, spec.sha256);
  const pins = { key, sizeBytes: spec.sizeBytes, md5: spec.md5, contentType: DATA_CONTENT_TYPE };
  const untilMs = held.hooks.acceptedUntilMs(epochId);
  const { url, headers } = await held.objects.grantUpload(pins, untilMs);
  return { key, url, headers: [...headers], expireTime: timestampFromMs(untilMs) };
}

/** What the server's part of a submission comes down to. */
function submissionService(held: Held): ServiceImpl<typeof SubmissionService> {
  const answered = async <T>(name: CallName, answer: () => Promise<T>): Promise<T> => {
    held.calls.push(name);
    await held.hooks.beforeCall(name);
    const result = await answer();
    held.hooks.afterCall(name);
    return result;
  };
  return {
    createUploadGrants: ({ epochId, objects }, context) =>
      answered("grant", async () => {
        assertOpen(held, epochId);
        if (held.submissions.has(epochId)) throw new ZipnetError("ALREADY_FINALIZED", "finalized");
        const { hotkey } = callerOf(context);
        return { grants: await Promise.all(objects.map((spec) => grantOf(held, epochId, hotkey, spec))) };
      }),
    finalizeSubmission: ({ manifest }, context) =>
      answered("finalize", async () => {
        if (manifest === undefined) throw new Error("no manifest");
        const { receipt } = await freeze(held, manifest, callerOf(context).hotkey);
        return { receipt };
      }),
    reportProgress: ({ progress }) =>
      answered("progress", async () => {
        if (progress !== undefined) held.progress.push(progress);
        return { serverTime: timestampFromMs(held.clock.now()) };
      }),
    getSubmission: ({ epochId }) =>
      answered("submission", async () => {
        const frozen = held.submissions.get(epochId);
        const acceptedUntil = timestampFromMs(held.hooks.acceptedUntilMs(epochId));
        if (frozen === undefined) return { acceptedUntil };
        return { manifest: frozen.record, receipt: frozen.receipt, acceptedUntil };
      }),
  };
}

/** Makes a world, two seconds into its first epoch. close() leaves nothing behind. */
export async function startWorld(): Promise<World> {
  await readyCrypto();
  const [server, miner] = [signerFromUri("//Alice"), signerFromUri("//Bob")];
  const { network, netuid } = sample(EpochSchema);
  const clock = manualClock(START_MS + 2000);
  const dir = await mkdtemp(join(tmpdir(), "zipnet-miner-"));
  let url = "";
  const objects = await openFolderObjects({ dir, publicUrl: () => url, clock });
  const puts = new Map<string, number>();
  const hooks: Hooks = { beforeCall: () => undefined, afterCall: () => undefined, acceptedUntilMs: closeOf };
  const held: Held = { clock, server, objects, hooks, calls: [], progress: [], submissions: new Map() };
  const mount: HttpMount = {
    pathPrefix: objects.pathPrefix,
    handle: (request, response) => {
      const key = (request.url ?? "").slice(objects.pathPrefix.length).split("?")[0] ?? "";
      if (request.method === "PUT") puts.set(key, (puts.get(key) ?? 0) + 1);
      return objects.handle(request, response);
    },
  };
  const stop = new AbortController();
  const running = await startRpcServer(
    {
      host: "127.0.0.1",
      port: 0,
      maxRequestBytes: 1_000_000,
      log: quietLog,
      mounts: [mount],
      services: [{ desc: SubmissionService, impl: submissionService(held) }],
      auth: {
        scope: { receiver: server.hotkey, network, netuid },
        verify: verifySr25519,
        directory: { rolesOf: (hotkey) => Promise.resolve(hotkey === miner.hotkey ? ["miner"] : []) },
        cache: mapCache(clock),
        clock,
        maxClockDifferenceMs: 10_000,
        maxCallsPerMinute: { miner: 100_000, validator: 0, owner: 0 },
      },
    },
    stop.signal,
  );
  url = `http://127.0.0.1:${running.port}`;
  const clients = createClients({ url, hotkey: server.hotkey }, { signer: miner, network, netuid, clock });
  return {
    ...held,
    network,
    netuid,
    miner,
    clients,
    puts,
    epoch: (index, zipCodes, expected) => epochOf(server, index, zipCodes, expected),
    async close() {
      clients.close();
      stop.abort();
      await running.closed;
      await rm(dir, { recursive: true });
    },
  };
}
