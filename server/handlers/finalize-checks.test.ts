import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { openFolderObjects } from "../../adapters/objects/folder/folder-objects.js";
import { DATA_CONTENT_TYPE, dataKey, dataPrefix } from "../../core/object-keys.js";
import type { ObjectStore } from "../../core/ports.js";
import { type ManifestObject, ManifestObjectSchema } from "../../gen/zipnet/v1/submission_pb.js";
import { assertObjectsStored } from "./finalize-checks.js";

const EPOCH = "20261122T120000Z";
const MINER = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
const PREFIX = dataPrefix(MINER, EPOCH);

function fileOf(index: number, text: string): { content: Uint8Array; object: ManifestObject } {
  const content = new TextEncoder().encode(text);
  const hash = (name: string): string => createHash(name).update(content).digest("hex");
  const zipCode = String(10_000 + index);
  const key = dataKey(MINER, EPOCH, zipCode, hash("sha256"));
  const facts = { zipCode, key, sizeBytes: content.length, md5: hash("md5"), sha256: hash("sha256"), rows: 1 };
  return { content, object: create(ManifestObjectSchema, facts) };
}

describe("the check of a manifest's objects", () => {
  let dir: string;
  let store: ObjectStore;
  let lookedUp: string[];
  const files = Array.from({ length: 60 }, (_, index) => fileOf(index, `listings of ${index}`));
  const objects = files.map(({ object }) => object);

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "zipnet-finalize-"));
    const folder = await openFolderObjects({ dir, publicUrl: "http://unused.invalid", clock: systemClock });
    for (const { content, object } of files) await folder.putIfAbsent(object.key, content, DATA_CONTENT_TYPE);
    const newer = fileOf(3, "an older version of the zip code's listings");
    await folder.putIfAbsent(newer.object.key, newer.content, DATA_CONTENT_TYPE);
    store = {
      ...folder,
      head: (key) => {
        lookedUp.push(key);
        return folder.head(key);
      },
    };
  });
  beforeEach(() => {
    lookedUp = [];
  });
  after(() => rm(dir, { recursive: true }));

  it("finds many by one listing, and few by looking each up", async () => {
    await assertObjectsStored(store, PREFIX, objects);
    assert.deepEqual(lookedUp, []);
    await assertObjectsStored(store, PREFIX, objects.slice(0, 4));
    assert.deepEqual(
      lookedUp,
      objects.slice(0, 4).map(({ key }) => key),
    );
  });

  it("names the first that is missing or differs, and how many do", async () => {
    const missing = fileOf(70, "never uploaded").object;
    const longer = { ...objects[20], sizeBytes: 1 } as ManifestObject;
    const other = { ...objects[40], md5: "0".repeat(32) } as ManifestObject;
    await assert.rejects(assertObjectsStored(store, PREFIX, [...objects, missing]), {
      reason: "OBJECT_MISSING",
      metadata: { zip_code: "10070", key: missing.key },
    });
    assert.deepEqual(lookedUp, [missing.key], "only what the listing does not show");
    const wrong = objects.map((object, index) => (index === 20 ? longer : index === 40 ? other : object));
    await assert.rejects(assertObjectsStored(store, PREFIX, [...wrong, missing]), {
      reason: "OBJECT_DIFFERS",
      metadata: { zip_code: "10020", key: longer.key, problem_count: "3" },
    });
  });

  it("looks up what a listing that lags behind does not show", async () => {
    const lagging: ObjectStore = {
      ...store,
      async *list(prefix) {
        let count = 0;
        for await (const info of store.list(prefix)) if ((count += 1) % 10 !== 0) yield info;
      },
    };
    await assertObjectsStored(lagging, PREFIX, objects);
    assert.equal(lookedUp.length, 6);
  });
});
