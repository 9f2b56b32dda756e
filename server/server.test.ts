import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { toBinary } from "@bufbuild/protobuf";
import { signerFromUri } from "../adapters/wallet/wallet.js";
import { catalogueKey } from "../core/object-keys.js";
import { CatalogueSchema } from "../gen/zipnet/v1/epoch_pb.js";
import { ProgressPhase } from "../gen/zipnet/v1/submission_pb.js";
import { openCatalogue } from "./catalogue.js";
import { FIRST_EPOCH, evenCatalogue, mapStore } from "./keeper/world.test-support.js";
import { type ServerRig, signedManifest, startRig, upload } from "./rig.test-support.js";
import { assertStoreIsOurs } from "./server.js";

describe("the server", () => {
  let rig: ServerRig;
  before(async () => {
    rig = await startRig();
  });
  after(() => rig.stop());

  it("does not start on the records of another deployment, and says what differs", async () => {
    await rig.openEpoch(FIRST_EPOCH);
    const { parts } = rig;
    await assertStoreIsOurs(parts);
    const elsewhere = { ...parts.deployment, netuid: 9, epochLengthSeconds: 200 };
    await assert.rejects(
      assertStoreIsOurs({ ...parts, deployment: elsewhere }),
      /netuid 1 instead of 9, epoch length in seconds 100 instead of 200/,
    );
    await assert.rejects(assertStoreIsOurs({ ...parts, signer: signerFromUri("//Other") }), /signer 5\w+ instead of 5/);
  });

  it("shows its status to anyone: progress and receipts by miner", async () => {
    const epoch = await rig.openEpoch(FIRST_EPOCH);
    const [alice, bob] = [rig.clients(rig.alice), rig.clients(rig.bob)];
    const [zip] = epoch.zipCodes;
    assert.ok(zip !== undefined);
    const objects = await upload(alice, epoch, rig.alice.hotkey, { [zip.zipCode]: "one" });
    await alice.submissions.finalizeSubmission({ manifest: signedManifest(epoch, rig.alice, objects) });
    const note = '<img src=x onerror="alert(1)">';
    const progress = { epochId: epoch.id, phase: ProgressPhase.BLOCKED, zipCodesDone: 1, zipCodesTotal: 10, note };
    await bob.submissions.reportProgress({ progress });

    const page = await fetch(`${rig.url}/`);
    assert.equal(page.status, 200);
    assert.match(page.headers.get("content-type") ?? "", /^text\/html/);
    assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'/);
    const text = await page.text();
    assert.ok(text.includes(epoch.id) && text.includes(rig.alice.hotkey) && text.includes("blocked by the source"));
    assert.ok(!text.includes(note) && text.includes("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;"));

    const status = (await (await fetch(`${rig.url}/status.json`)).json()) as {
      current: { epoch: { id: string }; miners: { hotkey: string; receipt: { position: number } | null }[] };
    };
    assert.equal(status.current.epoch.id, epoch.id);
    assert.deepEqual(
      status.current.miners.map(({ hotkey, receipt }) => [hotkey, receipt?.position]),
      [
        [rig.alice.hotkey, 1],
        [rig.bob.hotkey, undefined],
      ],
    );
    assert.equal((await fetch(`${rig.url}/nothing`)).status, 404);
    assert.equal((await fetch(`${rig.url}/`, { method: "POST" })).status, 404);
  });

  it("shows its status without progress while the chain is out of reach", async () => {
    rig.chain.isDown = true;
    await rig.clock.advanceTo(rig.clock.now() + 5_000);
    assert.equal((await fetch(`${rig.url}/`)).status, 200);
    rig.chain.isDown = false;
  });

  it("shows its status without progress while the cache is out of reach", async () => {
    await rig.parts.cache.close();
    await rig.clock.advanceTo(rig.clock.now() + 5_000);
    const status = await fetch(`${rig.url}/status.json`);
    assert.equal(status.status, 200);
    const { current } = (await status.json()) as { current: { miners: { hotkey: string }[] } };
    assert.deepEqual(
      current.miners.map(({ hotkey }) => hotkey),
      [rig.alice.hotkey],
      "who has a receipt is shown all the same",
    );
  });
});

describe("the catalogue", () => {
  const { catalogue, sha256 } = evenCatalogue(30);
  const bytes = toBinary(CatalogueSchema, catalogue);
  let dir: string;
  before(async () => {
    dir = await mkdtemp(path.join(tmpdir(), "zipnet-catalogue-"));
  });
  after(() => rm(dir, { recursive: true }));

  it("is loaded from a file, stored by its hash, and found there the next time", async () => {
    const store = mapStore();
    const file = path.join(dir, "catalogue.bin");
    await writeFile(file, bytes);
    assert.equal((await (await openCatalogue({ kind: "file", path: file }))(store)).sha256, sha256);
    assert.ok(store.content.has(catalogueKey(sha256)));
    const again = await (await openCatalogue({ kind: "stored", sha256 }))(store);
    assert.deepEqual(again.catalogue, catalogue);
  });

  it("is refused when it is missing or no catalogue", async () => {
    const store = mapStore();
    const file = path.join(dir, "broken.bin");
    await writeFile(file, bytes.subarray(0, bytes.length - 3));
    await assert.rejects(openCatalogue({ kind: "file", path: file }), /broken\.bin is not valid/);
    await assert.rejects(openCatalogue({ kind: "file", path: path.join(dir, "none") }), /none cannot be read: ENOENT/);
    const storedOne = await openCatalogue({ kind: "stored", sha256 });
    await assert.rejects(storedOne(store), /is not in the object store/);
    assert.equal(store.content.size, 0);
  });
});
