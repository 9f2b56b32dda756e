import assert from "node:assert/strict";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { memoryState } from "../../adapters/state/memory-state.js";
import { fetchTransfer } from "../../adapters/transfer/fetch-transfer.js";
import { verifySr25519 } from "../../adapters/wallet/wallet.js";
import { ZipnetError } from "../../core/errors.js";
import type { LocalState } from "../../core/ports.js";
import { EpochService } from "../../gen/zipnet/v1/epoch_service_pb.js";
import { ServerInfoService } from "../../gen/zipnet/v1/server_info_service_pb.js";
import { toConnectError } from "../../rpc/errors.js";
import { countingSource, startMiner, until } from "../run.test-support.js";
import { type World, startWorld } from "../world.test-support.js";
import { type Finding, type FindingParts, findings } from "./findings.js";
import { heldReceipts, statusOf } from "./status.js";

const ZIP_CODES = ["98101", "98103"];
const { signal } = new AbortController();

describe("looking at a miner", () => {
  let world: World;
  let state: LocalState;
  beforeEach(async () => {
    world = await startWorld();
    state = memoryState();
  });
  afterEach(() => world.close());

  it("tells from the state folder where each epoch stands, from collecting to the receipt", async () => {
    const source = countingSource(world);
    let release = (): void => undefined;
    source.onPage = (zipCode) =>
      zipCode === "98103"
        ? new Promise((resolve) => {
            release = resolve;
          })
        : undefined;
    const miner = startMiner(world, { state, source });
    const { epoch, record } = world.epoch(0, ZIP_CODES);
    await miner.deliver({ kind: "epoch", epoch, record });
    await until(() => miner.of("zip_code_uploaded").length === 1);
    const [collecting] = await statusOf(state, 5);
    assert.deepEqual(
      [collecting?.epochId, collecting?.zipCodes, collecting?.scraped, collecting?.listings, collecting?.uploaded],
      [epoch.id, 2, 1, 2, 1],
    );
    assert.deepEqual([collecting?.isSealed, collecting?.receivedMs], [false, undefined]);
    assert.deepEqual(await heldReceipts(state, 5), []);

    source.onPage = () => undefined;
    release();
    await until(() => miner.of("finalized").length === 1);
    await miner.stop();
    const [receipted] = await statusOf(state, 5);
    assert.deepEqual([receipted?.scraped, receipted?.uploaded, receipted?.isSealed], [2, 2, true]);
    assert.equal(receipted?.uploadedBytes, miner.of("zip_code_uploaded").reduce((sum, { bytes }) => sum + bytes, 0)); // prettier-ignore
    const [held] = await heldReceipts(state, 5);
    assert.equal(held?.receivedMs, receipted?.receivedMs);
    assert.deepEqual([held?.signer, held?.receipt.objectCount, held?.manifest?.objects.length], [world.server.hotkey, 2, 2]); // prettier-ignore
  });

  /** Every finding on a world that is in order but for what is changed. */
  async function found(change: Partial<FindingParts> = {}, server: ServerAnswers = {}): Promise<Map<string, Finding>> {
    const { network, netuid, clock, clients, miner } = world;
    const parts: FindingParts = {
      clients: { ...clients, ...serverOf(world, server) },
      clock,
      state,
      transfer: fetchTransfer(),
      verify: verifySr25519,
      claim: () => Promise.resolve(),
      freeBytes: () => Promise.resolve(5_000_000_000),
      openSource: () => Promise.resolve({ source: () => countingSource(world), close: () => Promise.resolve() }),
      ...change,
    };
    const settings = { network, netuid, hotkey: miner.hotkey, serverHotkey: world.server.hotkey };
    const all = new Map<string, Finding>();
    for await (const finding of findings(parts, settings, signal)) all.set(finding.what, finding);
    return all;
  }

  const notOk = (all: ReadonlyMap<string, Finding>): string[] =>
    [...all.values()].filter(({ verdict }) => verdict !== "ok").map(({ what, verdict }) => `${what}: ${verdict}`);

  it("finds nothing wrong where all is well, and stores nothing by looking", async () => {
    assert.deepEqual(notOk(await found()), []);
    const stored: string[] = [];
    for await (const { key } of world.objects.list("")) stored.push(key);
    assert.deepEqual([stored, await state.list("")], [[], []]);
  });

  it("names each thing that is wrong, and what cannot be looked at for it", async () => {
    const unavailable = new ZipnetError("UNAVAILABLE", "nobody there");
    const changed = new ZipnetError("SOURCE_CHANGED", "other names");
    const changedSource = Object.assign(countingSource(world), { onPage: () => Promise.reject(changed) });
    const refused = new ZipnetError("NOT_REGISTERED", "not in the metagraph");
    const wrong: readonly [Partial<FindingParts>, ServerAnswers, readonly string[]][] = [
      [{ claim: () => Promise.reject(new Error("belongs to another")) }, {}, ["state folder: problem"]],
      [{ freeBytes: () => Promise.resolve(100_000_000) }, {}, ["state folder: problem"]],
      [{ freeBytes: () => Promise.resolve(500_000_000) }, {}, ["state folder: warning"]],
      [{}, { info: { network: "elsewhere" } }, ["server: problem"]],
      [{}, { aheadMs: 3_000 }, ["clock: warning"]],
      [{}, { aheadMs: -20_000 }, ["clock: problem"]],
      [{}, { refusal: refused }, ["registration: problem", "epoch: skipped", "source: skipped", "upload: skipped"]],
      [{}, { epochIndex: -1 }, ["epoch: warning", "upload: skipped"]],
      [{ openSource: () => Promise.reject(unavailable) }, {}, ["source: problem"]],
      [{ openSource: () => Promise.resolve({ source: () => changedSource, close: () => Promise.resolve() }) }, {}, ["source: problem"]], // prettier-ignore
      [{ transfer: { ...fetchTransfer(), put: () => Promise.reject(unavailable) } }, {}, ["upload: problem"]],
      [{ transfer: { ...fetchTransfer(), put: () => Promise.resolve({ status: 200, text: "" }) } }, {}, ["upload: problem"]], // prettier-ignore
    ];
    for (const [change, server, expected] of wrong) assert.deepEqual(notOk(await found(change, server)), expected);
  });
});

/** What the server answers otherwise than it should. */
interface ServerAnswers {
  readonly info?: { readonly network: string };
  readonly aheadMs?: number;
  readonly refusal?: ZipnetError;
  readonly epochIndex?: number;
}

/** The two services that the world's own server does not have. */
function serverOf(world: World, { info, aheadMs = 0, refusal, epochIndex = 0 }: ServerAnswers) {
  const transport = createRouterTransport(({ service }) => {
    service(ServerInfoService, {
      getServerInfo: () => ({
        network: world.network,
        netuid: world.netuid,
        recordSigner: world.server.hotkey,
        serverTime: timestampFromMs(world.clock.now() + aheadMs),
        limits: { maxClockDifferenceMs: 10_000 },
        ...info,
      }),
    });
    service(EpochService, {
      getEpoch: () => {
        if (refusal !== undefined) throw toConnectError(refusal);
        return { record: world.epoch(epochIndex, ZIP_CODES).record };
      },
    });
  });
  return { info: createClient(ServerInfoService, transport), epochs: createClient(EpochService, transport) };
}
