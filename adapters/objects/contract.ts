import assert from "node:assert/strict";
import type { ObjectInfo, ObjectStore } from "../../core/ports.js";
import { grantContract } from "./grants.test-support.js";
import { all, md5Of, type ObjectsUnderTest, text } from "./objects.test-support.js";

const TYPE = "application/x-protobuf";
const BAD_KEYS = [
  "",
  "/a",
  "a/",
  "a//b",
  ".",
  "..",
  "../a",
  "a/..",
  "a/../b",
  "a/./b",
  "a\\b",
  "a\0b",
  "a b",
  "a%2fb",
  "a~b",
  "ä",
  "a?b",
  "x".repeat(513),
];

/** What every object store keeps. create opens a place that may hold objects of earlier tests, never under the same keys. */
export function objectStoreContract(name: string, create: () => Promise<ObjectsUnderTest>): void {
  describe(`object store contract: ${name}`, function () {
    this.timeout(180_000);
    let tested: ObjectsUnderTest;
    let objects: ObjectStore;
    before(async () => {
      tested = await create();
      objects = tested.objects;
    });
    after(() => tested?.stop());

    it("gives back what was put, byte for byte, and nothing before", async () => {
      const content = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 31) % 256);
      assert.equal(await objects.get("put/a.bin"), undefined);
      assert.equal(await objects.head("put/a.bin"), undefined);
      assert.equal(await objects.putIfAbsent("put/a.bin", content, TYPE), true);
      assert.deepEqual(await objects.get("put/a.bin"), content);
      assert.deepEqual(await objects.head("put/a.bin"), { key: "put/a.bin", sizeBytes: 70_000, md5: md5Of(content) });
      assert.deepEqual(await tested.second.get("put/a.bin"), content);
      assert.deepEqual(await tested.second.head("put/a.bin"), await objects.head("put/a.bin"));
    });

    it("holds an empty object", async () => {
      assert.equal(await objects.putIfAbsent("put/empty.bin", new Uint8Array(), TYPE), true);
      assert.deepEqual(await objects.get("put/empty.bin"), new Uint8Array());
      assert.deepEqual(await objects.head("put/empty.bin"), {
        key: "put/empty.bin",
        sizeBytes: 0,
        md5: "d41d8cd98f00b204e9800998ecf8427e",
      });
    });

    it("never replaces an object", async () => {
      assert.equal(await objects.putIfAbsent("put/once.bin", text("first"), TYPE), true);
      assert.equal(await objects.putIfAbsent("put/once.bin", text("second"), TYPE), false);
      assert.equal(await tested.second.putIfAbsent("put/once.bin", text("first"), TYPE), false);
      assert.deepEqual(await objects.get("put/once.bin"), text("first"));
    });

    it("lets exactly one of twenty simultaneous writers win", async () => {
      for (const key of ["race/a.bin", "race/b.bin", "race/new/folder/c.bin"]) {
        const contents = Array.from({ length: 20 }, (_, index) => text(`writer ${index}`));
        const won = await Promise.all(
          contents.map((content, index) => (index % 2 === 0 ? objects : tested.second).putIfAbsent(key, content, TYPE)),
        );
        assert.equal(won.filter(Boolean).length, 1, won.join());
        assert.deepEqual(await objects.get(key), contents[won.indexOf(true)]);
      }
    });

    it("knows that it never replaces one, however often it is asked", async () => {
      assert.equal(await objects.hasConditionalPuts(), true);
      assert.equal(await tested.second.hasConditionalPuts(), true);
    });

    it("writes nothing by a signal that was aborted before", async () => {
      const gone = AbortSignal.abort(new Error("too late"));
      await assert.rejects(objects.putIfAbsent("put/aborted.bin", text("x"), TYPE, gone));
      assert.equal(await objects.get("put/aborted.bin"), undefined);
    });

    it("replaces what is to be replaced, and shows the new content everywhere", async () => {
      for (const content of ["first", "second", "one of another length"]) {
        await objects.replace("replaced/a.bin", text(content), TYPE);
        const expected = { key: "replaced/a.bin", sizeBytes: content.length, md5: md5Of(text(content)) };
        for (const store of [objects, tested.second]) {
          assert.deepEqual(await store.get("replaced/a.bin"), text(content));
          assert.deepEqual(await store.head("replaced/a.bin"), expected);
        }
        assert.deepEqual(await all(objects.list("replaced/")), [expected]);
      }
    });

    it("lists ascending by key, by prefix and after a key", async () => {
      const contents = [
        "list/b/1.bin",
        "list/b.bin",
        "list/a-b/2.bin",
        "list/a/9.bin",
        "list/a/10.bin",
        "list/a",
        "list/b0",
        "listing",
      ];
      for (const key of contents) await objects.putIfAbsent(key, text(key), TYPE);
      const sorted = contents.filter((key) => key.startsWith("list/")).sort();
      const info = (key: string): ObjectInfo => ({ key, sizeBytes: key.length, md5: md5Of(text(key)) });
      assert.deepEqual(await all(objects.list("list/")), sorted.map(info));
      assert.deepEqual(await all(tested.second.list("list/")), sorted.map(info));
      for (const prefix of ["list/a", "list/a/", "list/b", "list/b/1.bin", "list/c", "lis"]) {
        const expected = contents.filter((key) => key.startsWith(prefix)).sort();
        assert.deepEqual(
          (await all(objects.list(prefix))).map(({ key }) => key),
          expected,
          prefix,
        );
      }
      for (const afterKey of [...sorted, "list/a/1", "list/aa", "a", "zzz"]) {
        const expected = sorted.filter((key) => key > afterKey);
        assert.deepEqual(
          (await all(objects.list("list/", afterKey))).map(({ key }) => key),
          expected,
          afterKey,
        );
      }
    });

    it("lists more objects than one page holds", async () => {
      const keys = Array.from({ length: 1_050 }, (_, index) => `many/${String(index).padStart(4, "0")}.bin`);
      const queue = [...keys];
      const work = async (): Promise<void> => {
        for (let key = queue.pop(); key !== undefined; key = queue.pop())
          await objects.putIfAbsent(key, text(key), TYPE);
      };
      await Promise.all(Array.from({ length: 20 }, work));
      assert.deepEqual(
        (await all(objects.list("many/"))).map(({ key }) => key),
        keys,
      );
      assert.deepEqual(
        (await all(objects.list("many/", "many/0019.bin"))).map(({ key }) => key),
        keys.slice(20),
      );
    });

    it("stops listing when the reader has enough", async () => {
      await objects.putIfAbsent("enough/1.bin", text("1"), TYPE);
      await objects.putIfAbsent("enough/2.bin", text("2"), TYPE);
      const seen: string[] = [];
      for await (const { key } of objects.list("enough/")) {
        seen.push(key);
        break;
      }
      assert.deepEqual(seen, ["enough/1.bin"]);
    });

    it("takes keys at the limits of the rules", async () => {
      const keys = [
        "A".repeat(512),
        `${"b".repeat(255)}/${"c".repeat(256)}`,
        "limits/a=b-c_d.e",
        "limits/...",
        "limits/.x",
        "limits/x.",
        "limits/-",
      ];
      for (const key of keys) {
        assert.equal(await objects.putIfAbsent(key, text(key), TYPE), true, key);
        assert.deepEqual(await objects.get(key), text(key), key);
        assert.deepEqual((await all(objects.list(key)))[0]?.key, key);
      }
    });

    it("refuses keys outside the rules, with every method", async () => {
      const laterMs = tested.now() + 60_000;
      const pins = { sizeBytes: 1, md5: md5Of(text("x")), contentType: TYPE };
      for (const key of BAD_KEYS) {
        const why = JSON.stringify(key);
        await assert.rejects(async () => objects.putIfAbsent(key, text("x"), TYPE), RangeError, why);
        await assert.rejects(async () => objects.replace(key, text("x"), TYPE), RangeError, why);
        await assert.rejects(async () => objects.get(key), RangeError, why);
        await assert.rejects(async () => objects.head(key), RangeError, why);
        await assert.rejects(async () => objects.grantUpload({ key, ...pins }, laterMs), RangeError, why);
        await assert.rejects(async () => objects.grantDownload(key, laterMs), RangeError, why);
        await assert.rejects(async () => all(objects.list("x/", key)), RangeError, why);
      }
      for (const prefix of ["/", "../", "a/../", "a//", "a\0", "a\\", "./"]) {
        await assert.rejects(async () => all(objects.list(prefix)), RangeError, JSON.stringify(prefix));
      }
    });

    grantContract(() => tested);
  });
}
