import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { signerFromUri, verifySr25519 } from "../../adapters/wallet/wallet.js";
import { fetchTransfer } from "../../adapters/transfer/fetch-transfer.js";
import { epochIdOf } from "../../core/epoch-time.js";
import { catalogueKey, epochKey, snapshotKey } from "../../core/object-keys.js";
import type { Block, Chain } from "../../core/ports.js";
import { defaultRules } from "../../core/rules.js";
import { epochIn } from "../../core/verify-epoch.js";
import { decodeRecord, payloadSha256, sealRecord } from "../../core/signed-record.js";
import { CatalogueChoiceSchema } from "../../gen/zipnet/v1/calibration_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { CatalogueSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { FIRST_EPOCH, type KeeperWorld, LENGTH_SECONDS, keeperWorld } from "../../server/keeper/world.test-support.js";
import { type ServerRig, startRig } from "../../server/rig.test-support.js";
import { deriveEpoch, historyOf } from "./derive.js";
import { fileSource } from "./file-source.js";
import { serverSource } from "./server-source.js";
import { verdictText } from "./show.js";
import type { RecordSource } from "./source.js";
import { storeSource } from "./store-source.js";
import { type EpochVerdict, type Verification, verifyEpoch, verifyEpochs } from "./verify.js";

const idOf = (number: number): string => epochIdOf(number * LENGTH_SECONDS * 1000);
const signal = new AbortController().signal;

describe("zipnet epoch verify", () => {
  let world: KeeperWorld;
  let dir: string;
  const last = FIRST_EPOCH + 3;

  before(async () => {
    world = await keeperWorld();
    const keeper = world.start();
    await world.runUntil(() => world.store.content.has(snapshotKey(idOf(last))));
    await keeper.kill();
  });
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "zipnet-verify-"));
    for (const [key, bytes] of world.store.content) {
      await mkdir(dirname(join(dir, key)), { recursive: true });
      await writeFile(join(dir, key), bytes);
    }
  });
  afterEach(() => rm(dir, { recursive: true }));

  const verification = (source: RecordSource, chain: Verification["chain"] = world.chain): Verification => ({
    source,
    chain,
    verify: verifySr25519,
    serverHotkey: signerFromUri("//Server").hotkey,
    network: "local",
    netuid: 1,
  });
  const verify = (source: RecordSource, id = idOf(last)): Promise<EpochVerdict> =>
    verifyEpoch(verification(source), id, signal);
  const fieldsOf = ({ differences }: EpochVerdict): string[] => differences.map(({ field }) => field);
  /** Changes one byte of a file. */
  async function alter(key: string, at: (bytes: Uint8Array) => number): Promise<void> {
    const bytes = new Uint8Array(await readFile(join(dir, key)));
    const place = at(bytes);
    bytes[place] = (bytes[place] ?? 0) ^ 1;
    await writeFile(join(dir, key), bytes);
  }

  it("says VERIFIED of every epoch of a store, a folder and a single file with its neighbours", async () => {
    const store = storeSource("the store", world.store);
    const verdicts: EpochVerdict[] = [];
    for await (const verdict of verifyEpochs(verification(store), "", idOf(last), signal)) verdicts.push(verdict);
    assert.deepEqual(
      verdicts.map(({ epochId }) => epochId),
      [0, 1, 2, 3].map((after) => idOf(FIRST_EPOCH + after)),
    );
    assert.deepEqual(verdicts.flatMap(fieldsOf), []);
    assert.ok(verdicts.every(({ submissions }) => submissions === 0));
    const folder = await fileSource(dir);
    assert.deepEqual(fieldsOf(await verify(folder, "")), []);
    const file = await fileSource(join(dir, epochKey(idOf(last))));
    const catalogue = epochIn(decodeRecord(await readFile(join(dir, epochKey(idOf(last))))))?.catalogueSha256 ?? "";
    const bytes = await folder.catalogue(catalogue);
    const verdict = await verify({ ...file, catalogue: () => Promise.resolve(bytes) }, "");
    assert.deepEqual(fieldsOf(verdict), []);
    assert.match(verdictText(verdict), /^epoch \d{8}T\d{6}Z: VERIFIED\n/);
  });

  it("names what differs when one digit of a stored epoch, of the catalogue or of the seed is another", async () => {
    const id = idOf(last);
    const epoch = epochIn(decodeRecord(world.store.content.get(epochKey(id)) ?? new Uint8Array()));
    const zipCode = epoch?.zipCodes[0]?.zipCode ?? assert.fail();
    await alter(epochKey(id), (bytes) => Buffer.from(bytes).indexOf(zipCode) + 4);
    const digit = fieldsOf(await verify(await fileSource(dir)));
    assert.ok(digit.includes("signature") && digit.includes(`zip_codes[${zipCode}]`), digit.join());

    await writeFile(join(dir, epochKey(id)), world.store.content.get(epochKey(id)) ?? "");
    await alter(catalogueKey(epoch?.catalogueSha256 ?? ""), (bytes) => bytes.length - 1);
    const altered = await verify(await fileSource(dir));
    assert.deepEqual(fieldsOf(altered), ["catalogue_sha256"]);
    assert.match(
      verdictText(altered),
      /DIFFERS, 1 thing is not.*\n {2}catalogue_sha256\n {4}expected .*\n {4}found .*SHA-256/,
    );

    const otherHash = (hash: string): string => hash.replace(/^./, (digit) => (digit === "0" ? "1" : "0"));
    const forked = (block: Block): Block => ({
      ...block,
      hash: otherHash(block.hash),
      parentHash: otherHash(block.parentHash),
    });
    const other: Pick<Chain, "block" | "finalizedBlock"> = {
      finalizedBlock: async () => forked(await world.chain.finalizedBlock(signal)),
      block: async (number) => {
        const block = await world.chain.block(number, signal);
        return block && forked(block);
      },
    };
    const seeded = await verifyEpoch(verification(storeSource("the store", world.store), other), id, signal);
    for (const field of ["seed_block.hash", "nonce", "snapshot.seed_block.hash"]) {
      assert.ok(fieldsOf(seeded).includes(field), field);
    }
  });

  it("does not take damage for absence, nor one record for another", async () => {
    const [id, before] = [idOf(last), idOf(last - 1)];
    await writeFile(join(dir, epochKey(id)), "no record at all");
    const damaged = fieldsOf(await verify(await fileSource(dir)));
    assert.deepEqual(damaged, ["signer", "signature", "payload"]);
    await writeFile(join(dir, epochKey(id)), world.store.content.get(epochKey(before)) ?? "");
    assert.deepEqual(fieldsOf(await verify(await fileSource(dir))), ["record"]);
    await assert.rejects(verify(await fileSource(dir), "20200101T000000Z"), { reason: "EPOCH_UNKNOWN" });
    await assert.rejects(fileSource(join(dir, "nowhere")), /nowhere cannot be read/);
  });

  it("tells an epoch of the cooldown that is not signed, and one that is kept back", async () => {
    await alter(epochKey(idOf(last - 1)), (bytes) => bytes.length - 1);
    const unsigned = fieldsOf(await verify(await fileSource(dir)));
    assert.ok(unsigned.includes(`cooldown[${idOf(last - 1)}]`), unsigned.join());
    await rm(join(dir, epochKey(idOf(last - 1))));
    const verdict = await verify(await fileSource(dir));
    assert.match(verdict.notes.join(), /no record of 1 of the 2 epochs before it/);
    assert.ok(verdict.isUndecided && verdict.differences.length > 0, "without it the draw comes out differently");
    assert.match(verdictText(verdict), /^epoch \d{8}T\d{6}Z: UNDECIDED.*\n.*\n {2}note: the source has no record of 1/);
  });

  it("holds the catalogue against the choice that was made of it", async () => {
    const id = idOf(last);
    const store = storeSource("the store", world.store);
    const choice = (await store.choice(id)) ?? assert.fail("the server writes one for every epoch");
    const copied = (await (await fileSource(dir)).choice(id)) ?? assert.fail();
    assert.equal(payloadSha256(copied), payloadSha256(choice));
    const server = signerFromUri("//Server");
    const chosen = fromBinary(CatalogueChoiceSchema, choice.payload);
    const another = sealRecord(
      CatalogueChoiceSchema,
      { ...chosen, catalogueSha256: "ab".repeat(32), previousSha256: "ab".repeat(32) },
      server,
    );
    const choosing = (record: SignedRecord): RecordSource => ({
      ...store,
      choice: async (of) => (of === id ? record : store.choice(of)),
    });
    assert.deepEqual(fieldsOf(await verify(choosing(another))), ["catalogue_choice.catalogue_sha256"]);
    const foreign = sealRecord(CatalogueChoiceSchema, chosen, signerFromUri("//Other"));
    assert.deepEqual(fieldsOf(await verify(choosing(foreign))), ["catalogue_choice"]);
  });

  it("derives what is recorded, from the records before it or from the first epoch on", async () => {
    const source = storeSource("the store", world.store);
    const recorded = epochIn((await source.epoch(idOf(last))) ?? assert.fail()) ?? assert.fail();
    const catalogue = (await source.catalogue(recorded.catalogueSha256)) ?? assert.fail();
    const input = { chain: world.chain, catalogue, network: "local", netuid: 1, epochId: idOf(last), nowMs: 0 };
    const history = await historyOf(source, signerFromUri("//Server").hotkey, verifySr25519);
    assert.deepEqual(await deriveEpoch(input, history, signal), recorded);
    const rules = recorded.rules ?? defaultRules(LENGTH_SECONDS);
    const alone = { epochLengthSeconds: LENGTH_SECONDS, rules, epochs: [], first: FIRST_EPOCH };
    assert.deepEqual(await deriveEpoch(input, alone, signal), recorded);
    const future = { ...input, epochId: idOf(last + 1_000_000) };
    await assert.rejects(deriveEpoch(future, { ...alone, first: last + 1_000_000 }, signal), /is finalized yet/);
  });
});

describe("zipnet epoch verify, of a server", () => {
  let rig: ServerRig;
  before(async () => {
    rig = await startRig();
    const { catalogue, sha256 } = rig.parts.catalogue;
    await rig.parts.objects.putIfAbsent(catalogueKey(sha256), toBinary(CatalogueSchema, catalogue), "");
  });
  after(() => rig.stop());

  it("reads epochs page by page, and snapshots where the caller may", async () => {
    const epoch = await rig.openEpoch(FIRST_EPOCH);
    await rig.closeEpoch(epoch);
    await rig.openEpoch(FIRST_EPOCH + 1);
    const { chain } = rig;
    for (const [caller, submissions] of [
      [rig.vera, 0],
      [rig.alice, undefined],
    ] as const) {
      const source = serverSource(rig.url, rig.clients(caller), fetchTransfer(), signal);
      const deployment = { serverHotkey: signerFromUri("//Server").hotkey, network: "local", netuid: 1 };
      const verification = { source, chain, verify: verifySr25519, ...deployment };
      const verdict = await verifyEpoch(verification, epoch.id, signal);
      assert.deepEqual([verdict.differences, verdict.submissions], [[], submissions]);
      assert.equal((await verifyEpoch(verification, "", signal)).epochId, idOf(FIRST_EPOCH + 1));
      await assert.rejects(verifyEpoch(verification, "20200101T000000Z", signal), { reason: "EPOCH_UNKNOWN" });
    }
  });
});
