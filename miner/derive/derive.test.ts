import assert from "node:assert/strict";
import { clone, create, fromBinary } from "@bufbuild/protobuf";
import { listingFiles } from "../../adapters/parquet/listing-files.js";
import { memoryState } from "../../adapters/state/memory-state.js";
import { encodeCatalogue } from "../../core/catalogue.js";
import { deriveEpochs } from "../../core/derive-epochs.js";
import { ZipnetError } from "../../core/errors.js";
import type { LocalState } from "../../core/ports.js";
import { defaultRules } from "../../core/rules.js";
import { START_MS } from "../../core/samples.test-support.js";
import { firstBlockAtOrAfter } from "../../core/seed-block.js";
import { sealRecord } from "../../core/signed-record.js";
import { type Epoch, EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { GetServerInfoResponseSchema } from "../../gen/zipnet/v1/server_info_service_pb.js";
import { ManifestSchema } from "../../gen/zipnet/v1/submission_pb.js";
import { type ScriptedChain, scriptedChain } from "../../server/scripted-chain.test-support.js";
import { type RunningMiner, countingSource, mortalState, startMiner, until, untilLater } from "../run.test-support.js";
import { EPOCH_LENGTH_MS, type World, startWorld } from "../world.test-support.js";
import type { DeploymentCalls } from "./deployment-calls.js";

const LENGTH_S = EPOCH_LENGTH_MS / 1000;
/** The epoch in which the world begins. */
const NOW = START_MS / EPOCH_LENGTH_MS;
const rules = { ...defaultRules(LENGTH_S), targetListings: 30, cooldownEpochs: 2 };
const catalogue = encodeCatalogue(
  Array.from({ length: 40 }, (_, i) => ({
    zipCode: String(98_100 + i),
    state: "WA",
    expectedListings: 10,
    source: "test",
    asOf: "2026-11-01",
  })),
);
const signal = new AbortController().signal;

describe("a miner that is cut off", () => {
  let world: World;
  let chain: ScriptedChain;
  let state: LocalState;
  /** The epochs before this one and this one, as the server records them. */
  let epochs: readonly Epoch[];
  let current: Epoch;
  /** What the server answers with; undefined while it is away. */
  let held: readonly Epoch[] | undefined;
  let pages: number;

  beforeEach(async () => {
    world = await startWorld();
    const { network, netuid, clock } = world;
    chain = scriptedChain({ clock, blockMs: 1_000, offsetMs: 300, network, netuid });
    state = memoryState();
    const derived = await deriveEpochs({
      epochLengthSeconds: LENGTH_S,
      network,
      netuid,
      catalogue: catalogue.catalogue,
      catalogueSha256: catalogue.sha256,
      rules,
      first: NOW - 3,
      last: NOW,
      before: [],
      seedBlockAt: async (timeMs) =>
        firstBlockAtOrAfter(timeMs, await chain.finalizedBlock(signal), (number) => chain.block(number, signal)),
    });
    epochs = derived.epochs;
    current = epochs.at(-1) ?? assert.fail();
    held = epochs.slice(0, -1);
    pages = 0;
  });
  afterEach(() => world.close());

  const record = (epoch: Epoch) => sealRecord(EpochSchema, epoch, world.server);

  /** The server's answers, two epochs a page. */
  function calls(): DeploymentCalls {
    const answer = async <T>(make: (epochs: readonly Epoch[]) => T): Promise<T> => {
      if (held === undefined) throw new ZipnetError("UNAVAILABLE", "the server is away");
      return make(held);
    };
    return {
      info: () =>
        answer((all) =>
          create(GetServerInfoResponseSchema, {
            network: world.network,
            netuid: world.netuid,
            recordSigner: world.server.hotkey,
            epochLengthSeconds: LENGTH_S,
            newestEpochId: all.at(-1)?.id ?? "",
            catalogueSha256: catalogue.sha256,
            rules,
          }),
        ),
      epochPage: (pageToken) =>
        answer((all) => {
          pages += 1;
          const from = Number(pageToken || "0");
          const page = all.toReversed().slice(from, from + 2);
          return { records: page.map(record), nextPageToken: from + 2 < all.length ? String(from + 2) : "" };
        }),
      catalogue: () => answer(() => catalogue.bytes),
    };
  }
  const start = (own: LocalState = state, source = countingSource(world)): RunningMiner =>
    startMiner(world, { state: own, source, deriving: { chain, calls: calls(), patienceMs: 1_000 } });

  /** Runs until the epoch is derived and collected, with the server away from before its start. */
  async function collected(): Promise<{ miner: RunningMiner; source: ReturnType<typeof countingSource> }> {
    const source = countingSource(world);
    const miner = start(state, source);
    await until(() => miner.events.some(({ event }: { readonly event: string }) => event === "catalogue_saved"));
    held = undefined;
    await untilLater(world, () => miner.of("awaiting_record").length === 1);
    return { miner, source };
  }
  const manifest = () => fromBinary(ManifestSchema, world.submissions.get(current.id)?.record.payload ?? assert.fail());

  it("derives the epoch that the server will record, and collects it without uploading anything", async () => {
    const { miner, source } = await collected();
    const zipCodes = current.zipCodes.map(({ zipCode }) => zipCode);
    assert.deepEqual(
      miner.of("epoch_derived").map(({ nonce, zip_codes }) => [nonce, zip_codes]),
      [[current.nonce, zipCodes.length]],
    );
    assert.deepEqual([...source.finished.keys()], zipCodes);
    assert.deepEqual(world.calls, [], "files may not leave before the nonce is the server's");
    assert.ok(pages >= 1, "the records of the cooldown were read");

    await miner.deliver({ kind: "epoch", epoch: current, record: record(current) });
    await untilLater(world, () => miner.of("finalized").length === 1);
    await miner.stop();
    assert.equal(miner.of("epoch_confirmed")[0]?.scraped, zipCodes.length);
    assert.deepEqual(
      [...source.finished.values()],
      zipCodes.map(() => 1),
      "nothing was collected twice",
    );
    assert.equal(manifest().nonce, current.nonce);
  });

  it("keeps what is in both when the record is another, under the record's nonce", async () => {
    const { miner, source } = await collected();
    const [dropped, ...kept] = current.zipCodes.map(({ zipCode }) => zipCode);
    const other = clone(EpochSchema, current);
    other.nonce = "ab".repeat(16);
    other.zipCodes = [{ ...(other.zipCodes[0] ?? assert.fail()), zipCode: "98000" }, ...other.zipCodes.slice(1)];
    await miner.deliver({ kind: "epoch", epoch: other, record: record(other) });
    await untilLater(world, () => miner.of("finalized").length === 1);
    await miner.stop();
    const [corrected] = miner.of("epoch_corrected");
    assert.deepEqual([corrected?.kept, corrected?.dropped], [kept.length, 1]);
    assert.equal(source.finished.get(dropped ?? ""), 1);
    assert.equal(manifest().nonce, other.nonce);
    assert.deepEqual(
      manifest().objects.map(({ zipCode }) => zipCode),
      ["98000", ...kept],
    );
    for (const { key, zipCode } of manifest().objects) {
      const { head, listings } = await listingFiles().decode((await world.objects.get(key)) ?? assert.fail());
      assert.deepEqual([head.nonce, head.zipCode, listings.length], [other.nonce, zipCode, 2]);
    }
  });

  it("hands in after the close what the server still takes", async () => {
    const { miner } = await collected();
    const closeMs = START_MS + EPOCH_LENGTH_MS;
    await world.clock.advanceTo(closeMs + 60_000);
    world.hooks.acceptedUntilMs = () => closeMs + 300_000;
    await miner.deliver({ kind: "epoch", epoch: current, record: record(current) });
    await untilLater(world, () => miner.of("finalized").length === 1);
    await miner.stop();
    assert.equal(miner.of("late_submission")[0]?.accepted_until, new Date(closeMs + 300_000).toISOString());
    assert.equal(manifest().objects.length, current.zipCodes.length);
  });

  it("hands in late beside the work on the running epoch, without waiting for it", async () => {
    const { miner, source } = await collected();
    const closeMs = START_MS + EPOCH_LENGTH_MS;
    await world.clock.advanceTo(closeMs + 60_000);
    world.hooks.acceptedUntilMs = (epochId) => (epochId === current.id ? closeMs + 300_000 : closeMs + EPOCH_LENGTH_MS);
    source.onPage = (_zipCode, aborted) =>
      new Promise((_resolve, reject) => {
        aborted.addEventListener("abort", () => reject(new Error("put down")), { once: true });
      });
    const next = world.epoch(1, ["98101"]);
    await miner.deliver({ kind: "epoch", ...next });
    await until(() => source.begun.has("98101") && miner.of("epoch_started").some((e) => e.epoch_id === next.epoch.id));
    await miner.deliver({ kind: "epoch", epoch: current, record: record(current) });
    await untilLater(world, () => miner.of("finalized").some(({ epoch_id }) => epoch_id === current.id));
    assert.deepEqual(
      miner.of("finalized").map(({ epoch_id }) => epoch_id),
      [current.id],
    );
    await miner.stop();
  });

  it("gives up what the server does not take any more, once it has asked", async () => {
    const { miner } = await collected();
    await world.clock.advanceTo(START_MS + EPOCH_LENGTH_MS + 60_000);
    await miner.deliver({ kind: "epoch", epoch: current, record: record(current) });
    await untilLater(world, () => miner.of("epoch_failed").length === 1);
    await miner.stop();
    assert.match(miner.of("epoch_failed")[0]?.reason ?? "", /the server takes nothing for it since/);
    assert.deepEqual(world.calls, ["submission"]);
  });

  it("takes a record that it finds by asking as it takes one of the stream", async () => {
    const { miner } = await collected();
    held = epochs;
    await untilLater(world, () => miner.of("finalized").length === 1);
    await miner.stop();
    assert.equal(miner.of("epoch_confirmed").length, 1);
  });

  it("dies at any write while it takes up the record, and loses nothing by it", async () => {
    const { miner } = await collected();
    await miner.stop();
    const other = clone(EpochSchema, current);
    other.nonce = "cd".repeat(16);
    const before = await copyOf(state);
    for (let write = 1, died = true; died; write += 1) {
      world.submissions.clear();
      const inner = await copyOf(before);
      const mortal = mortalState(inner, { write, when: write % 2 === 0 ? "before" : "after" });
      const first = start(mortal);
      await first.deliver({ kind: "epoch", epoch: other, record: record(other) }).catch(() => undefined);
      await untilLater(world, () => mortal.dead || first.of("finalized").length === 1);
      died = mortal.dead;
      await first.stop().catch(() => undefined);
      const second = start(inner);
      if (died) await second.deliver({ kind: "epoch", epoch: other, record: record(other) });
      await untilLater(world, () => world.submissions.has(other.id));
      await second.stop();
      assert.equal(manifest().nonce, other.nonce);
      for (const { key, sha256 } of manifest().objects) {
        const content = (await world.objects.get(key)) ?? assert.fail();
        assert.equal((await listingFiles().decode(content)).head.nonce, other.nonce, `${sha256} at write ${write}`);
      }
      assert.equal(manifest().objects.length, current.zipCodes.length);
    }
  });

  it("derives nothing before it has reached the server", async () => {
    held = undefined;
    const alone = start(memoryState());
    await world.clock.advanceTo(START_MS + 120_000);
    await untilLater(world, () => world.clock.now() > START_MS + 125_000);
    await alone.stop();
    assert.deepEqual(alone.of("epoch_derived"), []);
  });
});

async function copyOf(state: LocalState): Promise<LocalState> {
  const copy = memoryState();
  for (const key of await state.list("")) await copy.write(key, (await state.read(key)) ?? assert.fail());
  return copy;
}
