import assert from "node:assert/strict";
import { fromBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { epochIdOf } from "../../core/epoch-time.js";
import { receiptPrefix } from "../../core/object-keys.js";
import type { ObjectStore } from "../../core/ports.js";
import { decodeRecord, openRecord, payloadSha256, recordSigningBytes } from "../../core/signed-record.js";
import { verifySr25519 } from "../../adapters/wallet/wallet.js";
import { fetchTransfer } from "../../adapters/transfer/fetch-transfer.js";
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { ProgressPhase, type Receipt, ReceiptSchema, SnapshotSchema } from "../../gen/zipnet/v1/submission_pb.js";
import type { Clients } from "../../rpc/client/client.js";
import { FIRST_EPOCH } from "../keeper/world.test-support.js";
import { refused } from "../refused.test-support.js";
import { type ServerRig, fileOf, signedManifest, specOf, startRig, upload } from "../rig.test-support.js";

async function keysUnder(objects: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of objects.list(prefix)) keys.push(key);
  return keys;
}

function receiptIn(rig: ServerRig, record: SignedRecord | undefined): Receipt {
  assert.ok(record !== undefined);
  return openRecord(ReceiptSchema, record, verifySr25519, rig.parts.signer.hotkey);
}

describe("submissions", () => {
  let rig: ServerRig;
  let alice: Clients;
  let bob: Clients;
  let epoch: Epoch;
  let zips: [string, string];

  beforeEach(async () => {
    rig = await startRig();
    [alice, bob] = [rig.clients(rig.alice), rig.clients(rig.bob)];
    epoch = await rig.openEpoch(FIRST_EPOCH);
    zips = epoch.zipCodes.slice(0, 2).map(({ zipCode }) => zipCode) as [string, string];
  });
  afterEach(() => rig.stop());

  const finalize = (clients: Clients, manifest: SignedRecord) => clients.submissions.finalizeSubmission({ manifest });

  it("go from grants to a signed receipt, which stays the same however often it is asked for", async () => {
    const objects = await upload(alice, epoch, rig.alice.hotkey, { [zips[0]]: "one", [zips[1]]: "three" });
    await rig.clock.advanceTo(rig.clock.now() + 1_000);
    const manifest = signedManifest(epoch, rig.alice, objects);
    const { receipt: record } = await finalize(alice, manifest);
    const receipt = receiptIn(rig, record);
    assert.deepEqual(
      { ...receipt, $typeName: undefined, receivedTime: receipt.receivedTime && timestampMs(receipt.receivedTime) },
      {
        $typeName: undefined,
        epochId: epoch.id,
        hotkey: rig.alice.hotkey,
        manifestSha256: payloadSha256(manifest),
        receivedTime: rig.clock.now(),
        position: 1,
        objectCount: 2,
        totalBytes: 8n,
        // Where the test registers no other, a hotkey is its own coldkey.
        coldkey: rig.alice.hotkey,
      },
    );
    await rig.clock.advanceTo(rig.clock.now() + 1_000);
    assert.deepEqual((await finalize(alice, manifest)).receipt, record);
    const held = await alice.submissions.getSubmission({ epochId: epoch.id });
    assert.deepEqual([held.receipt, held.manifest], [record, manifest]);

    const second = await upload(bob, epoch, rig.bob.hotkey, { [zips[0]]: "one" });
    assert.equal(receiptIn(rig, (await finalize(bob, signedManifest(epoch, rig.bob, second))).receipt).position, 2);
  });

  it("get grants under their own prefix that end within the time to live and never after the close", async () => {
    const specs = { epochId: epoch.id, objects: [specOf(fileOf(epoch, rig.alice.hotkey, zips[0], "x").object)] };
    const { grants } = await alice.submissions.createUploadGrants(specs);
    assert.ok(grants[0]?.key.startsWith(`data/hotkey=${rig.alice.hotkey}/epoch=${epoch.id}/zipcode=${zips[0]}/`));
    const expiry = (grant: (typeof grants)[number] | undefined) =>
      grant?.expireTime ? timestampMs(grant.expireTime) : 0;
    assert.equal(expiry(grants[0]), rig.clock.now() + 30_000);
    await rig.clock.advanceTo((epoch.number + 1) * 100_000 - 1);
    const late = await alice.submissions.createUploadGrants(specs);
    assert.equal(expiry(late.grants[0]), (epoch.number + 1) * 100_000);
  });

  it("are refused for a zip code, an epoch or a time that is not the epoch's", async () => {
    const { object } = fileOf(epoch, rig.alice.hotkey, "99999", "x");
    const grants = (epochId: string, zipCode: string) =>
      alice.submissions.createUploadGrants({ epochId, objects: [{ ...specOf(object), zipCode }] });
    await refused(grants(epoch.id, "99999"), "ZIP_CODE_NOT_ASSIGNED", "99999", epoch.id);
    await refused(grants("20200101T000000Z", zips[0]), "EPOCH_UNKNOWN", "20200101T000000Z");
    await refused(alice.submissions.getSubmission({ epochId: "20200101T000000Z" }), "EPOCH_UNKNOWN");
    await rig.clock.advanceTo((epoch.number + 1) * 100_000);
    await refused(grants(epoch.id, zips[0]), "EPOCH_CLOSED", epoch.id);
  });

  it("need every object in the store, with the size and content that the manifest says", async () => {
    const [stored] = await upload(alice, epoch, rig.alice.hotkey, { [zips[0]]: "stored" });
    assert.ok(stored !== undefined);
    const { object: missing } = fileOf(epoch, rig.alice.hotkey, zips[1], "never uploaded");
    await refused(
      finalize(alice, signedManifest(epoch, rig.alice, [stored, missing])),
      "OBJECT_MISSING",
      zips[1],
      missing.key,
    );
    const longer = { ...stored, sizeBytes: 7 };
    await refused(finalize(alice, signedManifest(epoch, rig.alice, [longer])), "OBJECT_DIFFERS", zips[0], "7", "6");
    const other = { ...stored, md5: "0".repeat(32) };
    await refused(
      finalize(alice, signedManifest(epoch, rig.alice, [other])),
      "OBJECT_DIFFERS",
      "0".repeat(32),
      stored.md5,
    );
    assert.deepEqual(await keysUnder(rig.parts.objects, receiptPrefix(epoch.id)), [], "nothing was written");
    await finalize(alice, signedManifest(epoch, rig.alice, [stored]));
  });

  it("are held to the epoch's nonce, zip codes, keys and deployment", async () => {
    const objects = await upload(alice, epoch, rig.alice.hotkey, { [zips[0]]: "stored" });
    const [object] = objects;
    assert.ok(object !== undefined);
    const past = "20200101T000000Z";
    const wrong = (change: Parameters<typeof signedManifest>[3]) =>
      finalize(alice, signedManifest(epoch, rig.alice, objects, change));
    await refused(wrong({ nonce: "0".repeat(32) }), "WRONG_NONCE", "0".repeat(32), epoch.nonce);
    await refused(wrong({ netuid: 2 }), "INVALID_FIELD", "netuid", "2", "1");
    await refused(wrong({ network: "finney" }), "INVALID_FIELD", "network", "finney");
    await refused(
      wrong({ epochId: past, objects: [{ ...object, key: object.key.replace(epoch.id, past) }] }),
      "EPOCH_UNKNOWN",
    );
    const { object: strange } = fileOf(epoch, rig.alice.hotkey, "99999", "x");
    await refused(wrong({ objects: [strange] }), "ZIP_CODE_NOT_ASSIGNED", "99999");
    const { object: others } = fileOf(epoch, rig.bob.hotkey, zips[0], "stored");
    await refused(wrong({ objects: [others] }), "INVALID_FIELD", /objects\[0\]\.key/);
  });

  it("are each miner's own: nobody finalizes for another or with another's signature", async () => {
    const objects = await upload(alice, epoch, rig.alice.hotkey, { [zips[0]]: "stored" });
    const manifest = signedManifest(epoch, rig.alice, objects);
    await refused(finalize(bob, manifest), "RECORD_SIGNATURE_INVALID", rig.alice.hotkey);
    const forBob = signedManifest(epoch, rig.alice, [fileOf(epoch, rig.bob.hotkey, zips[0], "stored").object], {
      hotkey: rig.bob.hotkey,
    });
    await refused(finalize(alice, forBob), "RECORD_SIGNATURE_INVALID", rig.bob.hotkey);
    const altered = { ...manifest, payload: Uint8Array.from([...manifest.payload, 0x22, 0x00]) };
    assert.equal(
      verifySr25519(recordSigningBytes(altered.type, altered.payload), altered.signature, altered.signer),
      false,
    );
    await refused(finalize(alice, altered), "RECORD_SIGNATURE_INVALID");
  });

  it("are final: no other manifest, no more grants", async () => {
    const objects = await upload(alice, epoch, rig.alice.hotkey, { [zips[0]]: "one", [zips[1]]: "two" });
    await finalize(alice, signedManifest(epoch, rig.alice, objects));
    await refused(finalize(alice, signedManifest(epoch, rig.alice, objects.slice(1))), "ALREADY_FINALIZED");
    await refused(upload(alice, epoch, rig.alice.hotkey, { [zips[0]]: "more" }), "ALREADY_FINALIZED", epoch.id);
  });

  it("are limited in objects and bytes per epoch, which GetServerInfo tells", async () => {
    const grants = (sizeBytes: number) =>
      alice.submissions.createUploadGrants({
        epochId: epoch.id,
        objects: [{ ...specOf(fileOf(epoch, rig.alice.hotkey, zips[0], `${sizeBytes}`).object), sizeBytes }],
      });
    await grants(900_000);
    await refused(grants(100_001), "UPLOAD_LIMIT_REACHED", "1000000 bytes", "900000", "1000001");
    await grants(100_000);
    const { grantedObjects, grantedBytes } = await alice.submissions.getSubmission({ epochId: epoch.id });
    assert.deepEqual([grantedObjects, grantedBytes], [2, 1_000_000n]);
    const { limits } = await alice.info.getServerInfo({});
    assert.deepEqual([limits?.maxObjectsPerEpoch, limits?.maxBytesPerEpoch], [100, 1_000_000n]);
    await upload(bob, epoch, rig.bob.hotkey, { [zips[0]]: "another miner's" });
  });

  it("get one receipt when two calls with two manifests race", async () => {
    const objects = await upload(alice, epoch, rig.alice.hotkey, { [zips[0]]: "one", [zips[1]]: "two" });
    const manifests = [signedManifest(epoch, rig.alice, objects), signedManifest(epoch, rig.alice, objects.slice(1))];
    const calls = [...manifests, ...manifests, ...manifests].map((manifest) => finalize(alice, manifest));
    const answers = await Promise.allSettled(calls);
    const receipts = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value.receipt] : []));
    assert.equal(receipts.length, 3, "all calls with the one manifest that won");
    for (const receipt of receipts) assert.deepEqual(receipt, receipts[0]);
    assert.equal((await keysUnder(rig.parts.objects, receiptPrefix(epoch.id))).length, 1);
  });

  it("get one receipt from two replicas at once, which both give again", async () => {
    const other = await startRig({ replicaOf: rig });
    try {
      const elsewhere = other.clients(rig.alice);
      const objects = await upload(alice, epoch, rig.alice.hotkey, { [zips[0]]: "one", [zips[1]]: "two" });
      const manifests = [signedManifest(epoch, rig.alice, objects), signedManifest(epoch, rig.alice, objects.slice(1))];
      const calls = manifests.flatMap((manifest) => [finalize(alice, manifest), finalize(elsewhere, manifest)]);
      const answers = await Promise.allSettled(calls);
      const receipts = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value.receipt] : []));
      assert.equal(receipts.length, 2, "both calls with the one manifest that won");
      assert.deepEqual(receipts[1], receipts[0]);
      assert.equal((await keysUnder(rig.parts.objects, receiptPrefix(epoch.id))).length, 1);
      for (const clients of [alice, elsewhere]) {
        assert.deepEqual((await clients.submissions.getSubmission({ epochId: epoch.id })).receipt, receipts[0]);
      }
    } finally {
      await other.stop();
    }
  });

  it("come too late at the close, but a lost answer may still be asked for", async () => {
    const objects = await upload(alice, epoch, rig.alice.hotkey, { [zips[0]]: "one" });
    const manifest = signedManifest(epoch, rig.alice, objects);
    const { receipt } = await finalize(alice, manifest);
    const late = await upload(bob, epoch, rig.bob.hotkey, { [zips[0]]: "one" });
    await rig.clock.advanceTo((epoch.number + 1) * 100_000);
    await refused(finalize(bob, signedManifest(epoch, rig.bob, late)), "EPOCH_CLOSED", epoch.id);
    assert.deepEqual((await finalize(alice, manifest)).receipt, receipt);
    await rig.closeEpoch(epoch);
    assert.deepEqual((await finalize(alice, manifest)).receipt, receipt);
    await refused(finalize(bob, signedManifest(epoch, rig.bob, late)), "EPOCH_CLOSED");
    assert.equal((await rig.parts.book.closed(epoch.id)).snapshot.receipts.length, 1);
  });

  it("count when the call came before the close and the checks ended within the time for that", async () => {
    const objects = await upload(alice, epoch, rig.alice.hotkey, { [zips[0]]: "one" });
    const { head } = rig.parts.objects;
    const closeMs = (epoch.number + 1) * 100_000;
    const checkUntil = (endMs: number): void => {
      Object.assign(rig.parts.objects, {
        head: async (key: string) => {
          if (key.startsWith("data/")) await rig.clock.advanceTo(endMs);
          return head(key);
        },
      });
    };
    await rig.clock.advanceTo(closeMs - 10);
    checkUntil(closeMs + 4_000);
    const receipt = receiptIn(rig, (await finalize(alice, signedManifest(epoch, rig.alice, objects))).receipt);
    assert.equal(receipt.receivedTime && timestampMs(receipt.receivedTime), closeMs - 10);
  });

  it("do not count when the checks took longer than that", async () => {
    const objects = await upload(alice, epoch, rig.alice.hotkey, { [zips[0]]: "one" });
    const { head } = rig.parts.objects;
    const closeMs = (epoch.number + 1) * 100_000;
    Object.assign(rig.parts.objects, {
      head: async (key: string) => {
        if (key.startsWith("data/")) await rig.clock.advanceTo(closeMs + 5_000);
        return head(key);
      },
    });
    await rig.clock.advanceTo(closeMs - 10);
    await refused(finalize(alice, signedManifest(epoch, rig.alice, objects)), "EPOCH_CLOSED", epoch.id);
    assert.deepEqual(await keysUnder(rig.parts.objects, receiptPrefix(epoch.id)), []);
  });

  it("do not claim a receipt that missed the snapshot", async () => {
    const objects = await upload(alice, epoch, rig.alice.hotkey, { [zips[0]]: "one" });
    const manifest = signedManifest(epoch, rig.alice, objects);
    const { putIfAbsent } = rig.parts.objects;
    const closeMs = (epoch.number + 1) * 100_000;
    Object.assign(rig.parts.objects, {
      // A write that hangs in the network until the snapshot is made without it.
      putIfAbsent: async (...put: Parameters<ObjectStore["putIfAbsent"]>) => {
        if (put[0].startsWith(receiptPrefix(epoch.id))) await rig.closeEpoch(epoch);
        return putIfAbsent(...put);
      },
    });
    await rig.clock.advanceTo(closeMs - 10);
    await refused(finalize(alice, manifest), "EPOCH_CLOSED", "does not count");
    await refused(finalize(alice, manifest), "EPOCH_CLOSED", "does not count");
  });

  it("are uploaded once only, with the granted content only", async () => {
    const { content, object } = fileOf(epoch, rig.alice.hotkey, zips[0], "granted");
    const { grants } = await alice.submissions.createUploadGrants({ epochId: epoch.id, objects: [specOf(object)] });
    const [grant] = grants;
    assert.ok(grant !== undefined);
    const put = async (bytes: Uint8Array) =>
      (await fetchTransfer().put(grant.url, grant.headers, bytes, AbortSignal.timeout(10_000))).status;
    assert.ok((await put(new TextEncoder().encode("altered"))) >= 400);
    assert.ok((await put(new TextEncoder().encode("longer than granted"))) >= 400);
    assert.equal(await put(content), 200);
    assert.ok((await put(content)) >= 400);
  });

  it("tell their progress, which is remembered until the end of the next epoch", async () => {
    const progress = {
      epochId: epoch.id,
      phase: ProgressPhase.SCRAPING,
      zipCodesDone: 3,
      zipCodesTotal: 10,
      note: "slow",
    };
    const { serverTime } = await alice.submissions.reportProgress({ progress });
    assert.equal(serverTime && timestampMs(serverTime), rig.clock.now());
    const held = await alice.submissions.getSubmission({ epochId: epoch.id });
    assert.equal(held.progress?.zipCodesDone, 3);
    assert.equal((await bob.submissions.getSubmission({ epochId: epoch.id })).progress, undefined);
    await refused(
      alice.submissions.reportProgress({ progress: { ...progress, epochId: "20200101T000000Z" } }),
      "EPOCH_UNKNOWN",
    );
    await refused(
      alice.submissions.reportProgress({ progress: { ...progress, zipCodesDone: 11 } }),
      "INVALID_FIELD",
      "zip_codes_done",
    );
    await rig.clock.advanceTo((epoch.number + 2) * 100_000);
    await refused(alice.submissions.reportProgress({ progress }), "EPOCH_CLOSED");
    assert.equal((await alice.submissions.getSubmission({ epochId: epoch.id })).progress, undefined);
  });

  it("keep the first of two manifests in the store, the receipt naming the one that counts", async () => {
    const objects = await upload(alice, epoch, rig.alice.hotkey, { [zips[0]]: "one", [zips[1]]: "two" });
    const { receipt } = await finalize(alice, signedManifest(epoch, rig.alice, objects));
    const [key] = await keysUnder(rig.parts.objects, `records/manifest/${epoch.id}/`);
    const bytes = await rig.parts.objects.get(key ?? "none");
    assert.ok(bytes !== undefined);
    assert.equal(payloadSha256(decodeRecord(bytes)), receiptIn(rig, receipt).manifestSha256);
  });

  it("are taken beyond the close of an epoch that was recorded late, until its extension ends", async () => {
    const number = epoch.number + 1;
    const closeMs = (number + 1) * 100_000;
    rig.chain.isDown = true;
    await rig.clock.advanceTo(closeMs + 10_000);
    rig.chain.isDown = false;
    const id = epochIdOf(number * 100_000);
    while ((await rig.parts.epochs.epoch(id)) === undefined) await rig.clock.advanceTo(rig.clock.now() + 20);
    const late = (await rig.parts.epochs.epoch(id))?.epoch ?? assert.fail();
    const { acceptedUntil } = await alice.submissions.getSubmission({ epochId: id });
    const untilMs = acceptedUntil ? timestampMs(acceptedUntil) : 0;
    assert.ok(untilMs > closeMs + 50_000 && untilMs <= closeMs + 75_000);
    const zip = late.zipCodes[0]?.zipCode ?? "";
    const objects = await upload(alice, late, rig.alice.hotkey, { [zip]: "collected while the server was away" });
    await rig.clock.advanceTo(untilMs - 10);
    const { grants } = await bob.submissions.createUploadGrants({
      epochId: id,
      objects: [specOf(fileOf(late, rig.bob.hotkey, zip, "x").object)],
    });
    assert.equal(grants[0]?.expireTime && timestampMs(grants[0].expireTime), untilMs);
    const { receipt } = await finalize(alice, signedManifest(late, rig.alice, objects));
    const receivedTime = receiptIn(rig, receipt).receivedTime;
    assert.equal(receivedTime && timestampMs(receivedTime), untilMs - 10);
    await rig.clock.advanceTo(untilMs);
    const again = alice.submissions.createUploadGrants({ epochId: id, objects: [specOf(objects[0] ?? assert.fail())] });
    await refused(again, "EPOCH_CLOSED", new Date(untilMs).toISOString());
    while ((await rig.parts.epochs.snapshot(id)) === undefined) await rig.clock.advanceTo(rig.clock.now() + 500);
    const { record } = await rig.clients(rig.vera).judging.getSnapshot({ epochId: id });
    assert.deepEqual(fromBinary(SnapshotSchema, record?.payload ?? new Uint8Array()).receipts, [receipt]);
    assert.deepEqual((await finalize(alice, signedManifest(late, rig.alice, objects))).receipt, receipt);
  });

  it("ask the store for no extension while the epoch is open", async () => {
    const objects = await upload(alice, epoch, rig.alice.hotkey, { [zips[0]]: "one" });
    const { get } = rig.parts.objects;
    const asked: string[] = [];
    Object.assign(rig.parts.objects, {
      get: (key: string) => {
        asked.push(key);
        return get(key);
      },
    });
    await rig.clock.advanceTo((epoch.number + 1) * 100_000 - 1);
    await finalize(alice, signedManifest(epoch, rig.alice, objects));
    const prefixes = asked.filter((key) => key.includes(epoch.id)).map((key) => key.split(epoch.id)[0]);
    assert.deepEqual(new Set(prefixes), new Set(["records/receipt/"]));
  });

  it("count when the call came before the close of an extended epoch and was dealt with long after it", async () => {
    const number = epoch.number + 1;
    const closeMs = (number + 1) * 100_000;
    rig.chain.isDown = true;
    await rig.clock.advanceTo(closeMs - 20_000);
    rig.chain.isDown = false;
    const late = await rig.openEpoch(number);
    const zip = late.zipCodes[0]?.zipCode ?? "";
    const objects = await upload(alice, late, rig.alice.hotkey, { [zip]: "one" });
    const { head } = rig.parts.objects;
    Object.assign(rig.parts.objects, {
      head: async (key: string) => {
        if (key.startsWith("data/")) await rig.clock.advanceTo(closeMs + 10_000);
        return head(key);
      },
    });
    await rig.clock.advanceTo(closeMs - 10);
    const receipt = receiptIn(rig, (await finalize(alice, signedManifest(late, rig.alice, objects))).receipt);
    assert.equal(receipt.receivedTime && timestampMs(receipt.receivedTime), closeMs - 10);
  });
});
