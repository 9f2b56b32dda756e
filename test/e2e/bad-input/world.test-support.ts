/**
 * A real chain and two real servers on it: one whose epoch is open all the time, and one whose epochs are short and
 * soon forgotten.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { type Transport } from "@connectrpc/connect";
import { Http2SessionManager, createGrpcTransport } from "@connectrpc/connect-node";
import { localChain } from "../../../adapters/chain/local/client.js";
import { systemClock } from "../../../adapters/clock/system-clock.js";
import { signerFromUri, verifySr25519 } from "../../../adapters/wallet/wallet.js";
import { type ProgramSpec, serverSpec } from "../../../cli/demo/network.js";
import { type ProgramEvent, freePorts } from "../../../cli/demo/processes.js";
import type { Clock, Signer } from "../../../core/ports.js";
import { openRecord } from "../../../core/signed-record.js";
import { type Epoch, EpochSchema } from "../../../gen/zipnet/v1/epoch_pb.js";
import type { GetSubmissionResponse } from "../../../gen/zipnet/v1/submission_service_pb.js";
import { type Clients, createClients } from "../../../rpc/client/client.js";
import { Testbed, openEpochLengthSeconds } from "../testbed.js";

/** Long enough to upload in, short enough to wait for. */
const SHORT_EPOCH_S = 8;
const TAO = 1_000_000_000n;
const MIN_VALIDATOR_STAKE_TAO = 5_000;

export const NETWORK = "local";
export const NETUID = 1;

/** Everything by which a bad call could show: files of the object store by content, and what each miner is told it has. */
export interface Effects {
  readonly files: ReadonlyMap<string, string>;
  readonly submissions: ReadonlyMap<string, GetSubmissionResponse>;
}

/** What may be wrong about a client. */
export interface ClientChange {
  readonly receiver?: string;
  readonly network?: string;
  readonly netuid?: number;
  readonly clock?: Clock;
}

/** A server that runs, and how to call it. */
export class TestedServer {
  readonly url: string;
  readonly #clients = new Map<string, Clients>();
  readonly #opened: Clients[] = [];
  readonly #session: Http2SessionManager;
  /** Signs nothing by itself. */
  readonly transport: Transport;

  constructor(
    readonly name: string,
    port: number,
    /** Folder of its object store. */
    readonly dir: string,
    /** Folders in it that the server's own work changes at any time. */
    readonly busy: readonly string[],
    readonly owner: Signer,
  ) {
    this.url = `http://127.0.0.1:${port}`;
    this.#session = new Http2SessionManager(this.url, {}, { maxSessionMemory: 64 });
    this.transport = createGrpcTransport({ baseUrl: this.url, sessionManager: this.#session });
  }

  /** Clients of a participant, as every program uses them. */
  clients(signer: Signer): Clients {
    const made = this.#clients.get(signer.hotkey) ?? this.clientsWith(signer, {});
    this.#clients.set(signer.hotkey, made);
    return made;
  }

  /** Clients that are set up wrong. */
  clientsWith(signer: Signer, change: ClientChange): Clients {
    const { receiver: hotkey = this.owner.hotkey, network = NETWORK, netuid = NETUID, clock = systemClock } = change;
    const made = createClients({ url: this.url, hotkey }, { signer, network, netuid, clock });
    this.#opened.push(made);
    return made;
  }

  /** The newest epoch, its signature checked. */
  async newestEpoch(): Promise<Epoch> {
    const { record } = await this.clients(this.owner).epochs.getEpoch({});
    return openRecord(EpochSchema, record ?? assert.fail("no record"), verifySr25519, this.owner.hotkey);
  }

  async effects(epochId: string, miners: readonly Signer[]): Promise<Effects> {
    const submissions = new Map<string, GetSubmissionResponse>();
    for (const miner of miners) {
      submissions.set(miner.hotkey, await this.clients(miner).submissions.getSubmission({ epochId }));
    }
    return { files: await this.#files(), submissions };
  }

  close(): void {
    for (const clients of this.#opened) clients.close();
    this.#session.abort();
  }

  async #files(): Promise<ReadonlyMap<string, string>> {
    const files = new Map<string, string>();
    for (const entry of await readdir(this.dir, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      const shown = relative(this.dir, path);
      if (!entry.isFile() || this.busy.some((folder) => shown.startsWith(folder))) continue;
      files.set(
        shown,
        createHash("sha256")
          .update(await readFile(path))
          .digest("hex"),
      );
    }
    return files;
  }
}

/** Who takes part, each for one kind of trouble. */
export interface Cast {
  /** A miner with a submission that is uploaded and could be finalized. */
  readonly swift: Signer;
  /** A miner with a few uploads. */
  readonly steady: Signer;
  readonly validator: Signer;
  /** Has a validator permit, but less stake than the servers ask for. */
  readonly smallValidator: Signer;
  /** Has some stake, but no validator permit. */
  readonly unpermitted: Signer;
  /** Not registered. */
  readonly stranger: Signer;
}

export class World implements AsyncDisposable {
  private constructor(
    readonly testbed: Testbed,
    readonly cast: Cast,
    /** Its epoch is open until the end of the day. */
    readonly server: TestedServer,
    /** Epochs of seconds, and tokens that work for two of them. */
    readonly quick: TestedServer,
  ) {}

  static async create(): Promise<World> {
    const epochLengthSeconds = openEpochLengthSeconds(systemClock.now());
    const testbed = await Testbed.create({
      epochLengthSeconds,
      startUpMs: -epochLengthSeconds * 1000,
      targetListings: 1_000,
    });
    try {
      const key = (name: string): Signer => testbed.keys.get(name) ?? assert.fail(`nobody is called ${name}`);
      const cast: Cast = {
        swift: key("swift"),
        steady: key("steady"),
        validator: key("validator-1"),
        smallValidator: key("partial"),
        unpermitted: key("patient"),
        stranger: signerFromUri("//zipnet-demo/stranger"),
      };
      await setStakes(testbed, [
        [cast.smallValidator, 2_000n],
        [cast.unpermitted, 999n],
      ]);
      const [main, quick] = await startServers(testbed);
      return new World(testbed, cast, main, quick);
    } catch (error) {
      await testbed[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Resolves with the id of an epoch that the quick server opens after this call. */
  async freshQuickEpoch(): Promise<string> {
    const isOpening = ({ program, event }: ProgramEvent): boolean => program === "quick" && event === "epoch_recorded";
    const seen = new Set(this.testbed.events.filter(isOpening));
    const { facts } = await this.testbed.until(
      "a new short epoch",
      (event) => isOpening(event) && !seen.has(event),
      3 * SHORT_EPOCH_S * 1000,
    );
    return String(facts.epoch_id);
  }

  /** Resolves when the quick server has recorded the beginning or the close of an epoch. */
  async quickEpoch(what: "epoch_recorded" | "epoch_closed", epochId: string): Promise<void> {
    await this.testbed.until(
      `${what} of ${epochId}`,
      ({ program, event, facts }) => program === "quick" && event === what && facts.epoch_id === epochId,
      3 * SHORT_EPOCH_S * 1000,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.close();
    this.quick.close();
    await this.testbed[Symbol.asyncDispose]();
  }
}

async function setStakes(testbed: Testbed, stakes: readonly (readonly [Signer, bigint])[]): Promise<void> {
  const chain = localChain({ url: `http://127.0.0.1:${testbed.plan.ports.chain}`, clock: systemClock });
  try {
    for (const [{ hotkey }, tao] of stakes) await chain.setStake(hotkey, tao * TAO, AbortSignal.timeout(10_000));
  } finally {
    chain.close();
  }
}

async function startServers(testbed: Testbed): Promise<[TestedServer, TestedServer]> {
  const { plan, network, keys } = testbed;
  const owner = keys.get("owner") ?? assert.fail();
  const stake = { ZIPNET_MIN_VALIDATOR_STAKE_TAO: String(MIN_VALIDATOR_STAKE_TAO) };
  const usual = serverSpec(plan);
  const [quickPort = 0] = await freePorts(1);
  const quickDir = join(plan.dir, "quick-objects");
  const quick: ProgramSpec = {
    name: "quick",
    command: "server",
    settings: {
      ...usual.settings,
      ...stake,
      ZIPNET_LISTEN_PORT: String(quickPort),
      ZIPNET_PUBLIC_URL: `http://127.0.0.1:${quickPort}`,
      ZIPNET_OBJECTS: `folder:${quickDir}`,
      ZIPNET_EPOCH_LENGTH_SECONDS: String(SHORT_EPOCH_S),
      ZIPNET_FIRST_EPOCH: "",
      ZIPNET_COOLDOWN_EPOCHS: "0",
      ZIPNET_KEPT_EPOCHS: "2",
    },
  };
  await Promise.all([network.start({ ...usual, settings: { ...usual.settings, ...stake } }), network.start(quick)]);
  for (const name of ["server", "quick"]) {
    await testbed.until(
      `an epoch of ${name}`,
      ({ program, event }) => program === name && event === "epoch_recorded",
      30_000,
    );
  }
  const records = ["epoch", "snapshot"].map((kind) => `objects/records/${kind}/`);
  return [
    new TestedServer("server", plan.ports.server, join(plan.dir, "objects"), [], owner),
    new TestedServer("quick", quickPort, quickDir, ["drafts/", ...records], owner),
  ];
}
