/** A whole server for tests: real RPC over loopback, a folder as object store, a chain and a clock that the test moves. */
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type DescMessage, type MessageInitShape, create, toBinary } from "@bufbuild/protobuf";
import { memoryCache } from "../adapters/cache/memory-cache.js";
import { type ManualClock, manualClock } from "../adapters/clock/manual-clock.js";
import { openFolderObjects } from "../adapters/objects/folder/folder-objects.js";
import { fetchTransfer } from "../adapters/transfer/fetch-transfer.js";
import { readyCrypto, signerFromUri, verifySr25519 } from "../adapters/wallet/wallet.js";
import { sampleNeuron } from "../core/metagraph.test-support.js";
import { RECORD_CONTENT_TYPE, catalogueKey, dataKey } from "../core/object-keys.js";
import type { Log, Signer, Wallet } from "../core/ports.js";
import { recordSigningBytes } from "../core/signed-record.js";
import { CatalogueSchema, type Epoch, type Rules } from "../gen/zipnet/v1/epoch_pb.js";
import { type SignedRecord, SignedRecordSchema } from "../gen/zipnet/v1/record_pb.js";
import {
  type Manifest,
  type ManifestObject,
  ManifestObjectSchema,
  ManifestSchema,
} from "../gen/zipnet/v1/submission_pb.js";
import type { ObjectSpecSchema } from "../gen/zipnet/v1/submission_service_pb.js";
import { NO_PROXIES } from "../rpc/serving/caller-address.js";
import { type Clients, createClients } from "../rpc/client/client.js";
import { LIMITS } from "../rpc/kit.test-support.js";
import { recordedEpochs } from "../rpc/epoch-log/recorded-epochs.js";
import { quietLog } from "../test/support/quiet-log.js";
import { storedCatalogues } from "./calibration/catalogues.js";
import { epochBook } from "./epoch-book.js";
import { type StorageLimits, grantLedger } from "./grant-ledger.js";
import { FIRST_EPOCH, LENGTH_SECONDS, evenCatalogue, tenZipCodes } from "./keeper/world.test-support.js";
import type { ServerParts } from "./parts.js";
import { type ScriptedChain, scriptedChain, validatorNeuron } from "./scripted-chain.test-support.js";
import { runServer } from "./server.js";

const NETWORK = "local";
const NETUID = 1;
const TAO = 1_000_000_000n;

/** The server and what a test needs around it. */
export interface ServerRig {
  /** Folder of the object store. */
  readonly dir: string;
  readonly clock: ManualClock;
  readonly chain: ScriptedChain;
  readonly parts: ServerParts;
  readonly url: string;
  /** Hotkeys of two registered miners and two validators. */
  readonly alice: Signer;
  readonly bob: Signer;
  readonly vera: Signer;
  readonly vito: Signer;
  clients(signer: Signer): Clients;
  /** Waits until the newest epoch is this one. */
  openEpoch(number: number): Promise<Epoch>;
  /** Moves past the close of the epoch and waits for its snapshot. */
  closeEpoch(epoch: Epoch): Promise<void>;
  stop(): Promise<void>;
}

/** Waits, without a time of its own, until the condition holds. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await nextTurn();
}

interface RigOptions {
  readonly log?: Log;
  readonly calibrateEveryEpochs?: number;
  readonly storage?: Partial<StorageLimits>;
  readonly rules?: Partial<Rules>;
  /** Another server, of which this one is a replica: same store, clock and chain. It ends first. */
  readonly replicaOf?: ServerRig;
}

/** Starts a server in the middle of FIRST_EPOCH. */
export async function startRig(options: RigOptions = {}): Promise<ServerRig> {
  await readyCrypto();
  const log = options.log ?? quietLog;
  const [alice, bob, vera, vito] = ["//Alice", "//Bob", "//Vera", "//Vito"].map(signerFromUri) as [
    Wallet,
    Wallet,
    Wallet,
    Wallet,
  ];
  const { replicaOf } = options;
  const dir = replicaOf?.dir ?? (await mkdtemp(path.join(tmpdir(), "zipnet-server-")));
  const abort = new AbortController();
  const clock = replicaOf?.clock ?? manualClock(FIRST_EPOCH * LENGTH_SECONDS * 1000 + 40_000);
  const script = { clock, blockMs: 2_000, offsetMs: 300, network: NETWORK, netuid: NETUID };
  const chain = replicaOf?.chain ?? scriptedChain(script);
  chain.neurons = [
    sampleNeuron(0, alice.hotkey),
    sampleNeuron(1, bob.hotkey),
    validatorNeuron(2, vera.hotkey),
    validatorNeuron(3, vito.hotkey),
  ];
  let port = 0;
  const objects = await openFolderObjects({ dir, publicUrl: () => `http://127.0.0.1:${port}`, clock });
  const cache = memoryCache(clock);
  const signer = signerFromUri("//Server");
  const trust = { signer: signer.hotkey, verify: verifySr25519 };
  const epochs = recordedEpochs({
    objects,
    cache,
    clock,
    epochLengthSeconds: LENGTH_SECONDS,
    keptEpochs: 10,
    trust,
    log,
  });
  const configured = evenCatalogue(60);
  const catalogueBytes = toBinary(CatalogueSchema, configured.catalogue);
  await objects.putIfAbsent(catalogueKey(configured.sha256), catalogueBytes, RECORD_CONTENT_TYPE);
  const catalogues = storedCatalogues({
    objects,
    signer,
    verify: verifySr25519,
    epochLengthSeconds: LENGTH_SECONDS,
    configured,
  });
  const storage = { maxObjectsPerEpoch: 100, maxBytesPerEpoch: 1_000_000, ...options.storage };
  const parts: ServerParts = {
    deployment: {
      network: NETWORK,
      netuid: NETUID,
      epochLengthSeconds: LENGTH_SECONDS,
      rules: tenZipCodes(options.rules),
      settleMs: 5_000,
      firstEpoch: 0,
      calibrateEveryEpochs: options.calibrateEveryEpochs ?? 42,
      resultCapListings: 820,
    },
    limits: {
      ...LIMITS,
      ...storage,
      maxRequestBytes: 1_000_000,
      maxClockDifferenceMs: 30_000,
      grantTtlSeconds: 30,
      bookmarkIntervalMs: 10_000,
      keptEpochs: 10,
    },
    catalogue: configured,
    catalogues,
    chain,
    objects,
    cache,
    clock,
    log,
    signer,
    verify: verifySr25519,
    epochs,
    book: epochBook(epochs, objects, verifySr25519, signer.hotkey),
    ledger: grantLedger({ cache, objects, clock, limits: storage }),
  };
  const opened: Clients[] = [];
  let onListening = (_port: number): void => {};
  const listening = new Promise<void>((resolve) => {
    onListening = (actual) => {
      port = actual;
      resolve();
    };
  });
  const running = runServer(
    parts,
    {
      host: "127.0.0.1",
      port: 0,
      tls: undefined,
      mounts: [objects],
      trusted: NO_PROXIES,
      minValidatorStakeRao: 1_000n * TAO,
      metagraphMaxAgeMs: 1_000,
      drainWindowMs: 0,
      stallTimeoutMs: 60_000,
      tokenKeys: ["wallet"],
      random: () => 0,
      onListening,
    },
    abort.signal,
  );
  await Promise.race([listening, running]);

  return {
    dir,
    clock,
    chain,
    parts,
    url: `http://127.0.0.1:${port}`,
    alice,
    bob,
    vera,
    vito,
    clients(caller) {
      const made = createClients(
        { url: `http://127.0.0.1:${port}`, hotkey: signer.hotkey },
        { signer: caller, network: NETWORK, netuid: NETUID, clock },
      );
      opened.push(made);
      return made;
    },
    async openEpoch(number) {
      await until(async () => {
        await clock.advanceTo(Math.max(clock.now(), number * LENGTH_SECONDS * 1000 + 2_000));
        return (await epochs.newestEpoch())?.epoch.number === number;
      });
      const newest = await epochs.newestEpoch();
      if (newest === undefined) throw new Error("the newest epoch is gone");
      return newest.epoch;
    },
    async closeEpoch(epoch) {
      await clock.advanceTo((epoch.number + 1) * LENGTH_SECONDS * 1000 + 5_000);
      await until(async () => {
        await clock.advanceTo(clock.now() + 10);
        return (await epochs.snapshot(epoch.id)) !== undefined;
      });
    },
    async stop() {
      for (const clients of opened) clients.close();
      abort.abort(new Error("the test is over"));
      await running;
      await cache.close();
      if (replicaOf === undefined) await rm(dir, { recursive: true });
    },
  };
}

/** A file's content and what a manifest says of it. */
export function fileOf(
  epoch: Epoch,
  hotkey: string,
  zipCode: string,
  text: string,
): { content: Uint8Array; object: ManifestObject } {
  const content = new TextEncoder().encode(text);
  const hash = (name: string): string => createHash(name).update(content).digest("hex");
  const sha256 = hash("sha256");
  const key = dataKey(hotkey, epoch.id, zipCode, sha256);
  const facts = { zipCode, key, sizeBytes: content.length, md5: hash("md5"), sha256, rows: 1 };
  return { content, object: create(ManifestObjectSchema, facts) };
}

/** Signs a message as a record without the checks that an honest program makes first. */
export function sealUnchecked<Desc extends DescMessage>(
  schema: Desc,
  message: MessageInitShape<Desc>,
  signer: Signer,
): SignedRecord {
  const payload = toBinary(schema, create(schema, message));
  const signature = signer.sign(recordSigningBytes(schema.typeName, payload));
  return create(SignedRecordSchema, { type: schema.typeName, payload, signer: signer.hotkey, signature });
}

/** A manifest of a miner for an epoch, signed by it; `change` makes it wrong. */
export function signedManifest(
  epoch: Epoch,
  signer: Signer,
  objects: readonly ManifestObject[],
  change: Partial<Omit<Manifest, "$typeName" | "$unknown">> = {},
): SignedRecord {
  const { id: epochId, network, netuid, nonce } = epoch;
  const honest = { epochId, network, netuid, hotkey: signer.hotkey, nonce, objects: [...objects] };
  return sealUnchecked(ManifestSchema, { ...honest, ...change }, signer);
}

/** What a grant is asked for with. */
export function specOf({ zipCode, sizeBytes, md5, sha256 }: ManifestObject): MessageInitShape<typeof ObjectSpecSchema> {
  return { zipCode, sizeBytes, md5, sha256 };
}

/** Uploads files of a miner through grants, as a miner does; the manifest's objects. */
export async function upload(
  clients: Clients,
  epoch: Epoch,
  hotkey: string,
  texts: Readonly<Record<string, string>>,
): Promise<ManifestObject[]> {
  const files = Object.entries(texts).map(([zipCode, text]) => fileOf(epoch, hotkey, zipCode, text));
  const { grants } = await clients.submissions.createUploadGrants({
    epochId: epoch.id,
    objects: files.map(({ object }) => specOf(object)),
  });
  const transfer = fetchTransfer();
  for (const [index, grant] of grants.entries()) {
    const content = files[index]?.content ?? new Uint8Array();
    const { status, text } = await transfer.put(grant.url, grant.headers, content, AbortSignal.timeout(10_000));
    if (status !== 200) throw new Error(`the upload was answered ${status}: ${text}`);
  }
  return files.map(({ object }) => object).toSorted((a, b) => (a.zipCode < b.zipCode ? -1 : 1));
}
