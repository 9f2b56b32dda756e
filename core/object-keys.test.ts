import assert from "node:assert/strict";
import fc from "fast-check";
import * as keys from "./object-keys.js";
import { EPOCH_ID, HOTKEY_A, SHA } from "./samples.test-support.js";

const { epochKey, epochIdOfKey, snapshotKey, manifestKey, receiptKey, reportKey, catalogueKey, dataKey } = keys;

describe("object keys", () => {
  it("keep the partitioned layout", () => {
    const expected = `data/hotkey=${HOTKEY_A}/epoch=${EPOCH_ID}/zipcode=98101/${SHA}.parquet`;
    assert.equal(dataKey(HOTKEY_A, EPOCH_ID, "98101", SHA), expected);
    assert.ok(expected.startsWith(keys.dataPrefix(HOTKEY_A, EPOCH_ID)));
  });

  it("are keys that every store takes, and all different", () => {
    const made = [
      epochKey(EPOCH_ID),
      snapshotKey(EPOCH_ID),
      keys.extensionKey(EPOCH_ID),
      manifestKey(EPOCH_ID, HOTKEY_A, SHA),
      receiptKey(EPOCH_ID, HOTKEY_A),
      reportKey(EPOCH_ID, HOTKEY_A),
      catalogueKey(SHA),
      dataKey(HOTKEY_A, EPOCH_ID, "98101", SHA),
    ];
    for (const key of made) {
      assert.match(key, /^[A-Za-z0-9=\-_./]{1,512}$/);
      assert.ok(
        key.split("/").every((segment) => !["", ".", ".."].includes(segment)),
        key,
      );
    }
    assert.equal(new Set(made).size, made.length);
  });

  it("of records lie under their prefixes, and an epoch's gives its id back", () => {
    assert.ok(epochKey(EPOCH_ID).startsWith(keys.EPOCH_PREFIX));
    assert.ok(receiptKey(EPOCH_ID, HOTKEY_A).startsWith(keys.receiptPrefix(EPOCH_ID)));
    assert.ok(reportKey(EPOCH_ID, HOTKEY_A).startsWith(keys.reportPrefix(EPOCH_ID)));
    const property = fc.property(fc.stringMatching(/^\d{8}T\d{6}Z$/), (id) =>
      assert.equal(epochIdOfKey(epochKey(id)), id),
    );
    fc.assert(property);
  });
});
