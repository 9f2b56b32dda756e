import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { createServer, request, type Server } from "node:http";
import { connect, createServer as createHttp2Server, type OutgoingHttpHeaders } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import type { UploadLeave } from "../../../core/ports.js";
import { waitUntil } from "../../../test/parts/programs.js";
import { fetchTransfer } from "../../transfer/fetch-transfer.js";
import { manualClock } from "../../clock/manual-clock.js";
import { objectStoreContract } from "../contract.js";
import { all, md5Of, text } from "../objects.test-support.js";
import { type FolderObjects, openFolderObjects } from "./folder-objects.js";
import { namesOfKey } from "./key-path.js";

const NOW_MS = Date.UTC(2026, 10, 22, 12);
const LATER_MS = NOW_MS + 60_000;
const TYPE = "application/x-protobuf";
const CONTENT = text("0123456789");

/** A key that is none is told from a grant that is none. */
const OTHER_STATUSES = {
  "other bytes of the same length": 400,
  "a body in chunks, of no stated length": 411,
  "another miner's folder by ..": 400,
  "another miner's folder by encoded ..": 400,
  "another miner's folder by an encoded slash": 400,
  "another miner's folder by backslash": 400,
  "a doubled slash": 400,
  "a dot segment": 400,
  "a slash at the end": 400,
  "a NUL at the end": 400,
  "a broken escape": 400,
  "no key": 400,
  "the folder": 400,
};

/** Serves whatever store is in `holder` on a free port; other paths get 404. */
async function serve(holder: { objects?: FolderObjects }): Promise<{ url: string; server: Server }> {
  const server = createServer((incoming, response) => {
    if (holder.objects?.handle(incoming, response) !== true) response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

function close(server: Server): Promise<unknown> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
}

objectStoreContract("folder", async () => {
  const dir = await mkdtemp(join(tmpdir(), "zipnet-objects-"));
  const clock = manualClock(NOW_MS);
  const holder: { objects?: FolderObjects } = {};
  const { url, server } = await serve(holder);
  const options = { dir, publicUrl: () => url, clock };
  holder.objects = await openFolderObjects(options);
  return {
    objects: holder.objects,
    second: await openFolderObjects(options),
    now: () => clock.now(),
    passTime: (untilMs) => clock.advanceTo(untilMs),
    otherStatuses: OTHER_STATUSES,
    async stop() {
      await close(server);
      assert.deepEqual(await readdir(join(dir, "drafts")), [], "no draft is left behind");
      await rm(dir, { recursive: true });
    },
  };
});

describe("folder objects", () => {
  let dir: string;
  let objects: FolderObjects;
  let base: string;
  let server: Server;
  const clock = manualClock(NOW_MS);
  const holder: { objects?: FolderObjects } = {};
  const open = (): Promise<FolderObjects> => openFolderObjects({ dir, publicUrl: base, clock });

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "zipnet-objects-"));
    ({ url: base, server } = await serve(holder));
    objects = holder.objects = await open();
  });
  afterEach(async () => {
    await close(server);
    await rm(dir, { recursive: true });
  });

  it("is the same after a restart: objects, sums, listing and grants", async () => {
    await objects.putIfAbsent("a/1.bin", CONTENT, TYPE);
    const url = await objects.grantDownload("a/1.bin", LATER_MS);
    const before = await all(objects.list(""));
    holder.objects = await open();
    assert.deepEqual(await all(holder.objects.list("")), before);
    assert.deepEqual(before, [{ key: "a/1.bin", sizeBytes: 10, md5: md5Of(CONTENT) }]);
    assert.equal((await fetch(url)).status, 200);
  });

  it("keeps the secret of its grants from others", async () => {
    assert.equal((await stat(join(dir, "grant-secret"))).mode & 0o777, 0o600);
    const otherDir = await mkdtemp(join(tmpdir(), "zipnet-objects-"));
    try {
      const other = await openFolderObjects({ dir: otherDir, publicUrl: base, clock });
      await objects.putIfAbsent("a.bin", CONTENT, TYPE);
      assert.equal((await fetch(await other.grantDownload("a.bin", LATER_MS))).status, 403);
      assert.equal((await fetch(await objects.grantDownload("a.bin", LATER_MS))).status, 200);
    } finally {
      await rm(otherDir, { recursive: true });
    }
  });

  it("shows the layout that data tools read", async () => {
    const key = "data/hotkey=5F/epoch=20261122T120000Z/zipcode=98101/ab.parquet";
    await objects.putIfAbsent(key, CONTENT, TYPE);
    assert.equal((await stat(join(dir, "objects", key))).size, CONTENT.length);
  });

  it("removes drafts that a process left behind, and no younger ones", async () => {
    await writeFile(join(dir, "drafts", "old"), "x");
    await utimes(join(dir, "drafts", "old"), NOW_MS / 1000 - 2 * 86_400, NOW_MS / 1000 - 2 * 86_400);
    await writeFile(join(dir, "drafts", "young"), "x");
    await open();
    assert.deepEqual(await readdir(join(dir, "drafts")), ["young"]);
  });

  it("gives ranges and heads", async () => {
    await objects.putIfAbsent("a.bin", CONTENT, TYPE);
    const url = await objects.grantDownload("a.bin", LATER_MS);
    const get = async (range: string, method = "GET"): Promise<[number, string | null, string]> => {
      const response = await fetch(url, { method, headers: { range } });
      return [response.status, response.headers.get("content-range"), await response.text()];
    };
    assert.deepEqual(await get("bytes=2-4"), [206, "bytes 2-4/10", "234"]);
    assert.deepEqual(await get("bytes=7-"), [206, "bytes 7-9/10", "789"]);
    assert.deepEqual(await get("bytes=-3"), [206, "bytes 7-9/10", "789"]);
    assert.deepEqual(await get("bytes=-99"), [206, "bytes 0-9/10", "0123456789"]);
    assert.deepEqual(await get("bytes=5-99"), [206, "bytes 5-9/10", "56789"]);
    assert.equal((await get("bytes=10-"))[0], 416);
    assert.equal((await get("bytes=4-2"))[0], 416);
    assert.deepEqual(await get("bytes=1-2,4-5"), [200, null, "0123456789"]);
    const head = await fetch(url, { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(head.headers.get("content-length"), "10");
    assert.equal(head.headers.get("etag"), `"${md5Of(CONTENT)}"`);
    assert.equal(await head.text(), "");
  });

  it("leaves other paths alone", async () => {
    for (const path of ["/", "/object", "/objectsx/a", "/healthz"])
      assert.equal((await fetch(base + path)).status, 404);
  });

  it("lets the sender of a large body see why it is refused", async () => {
    const content = new Uint8Array(8_000_000);
    const leave = await grantOf(objects, content);
    const headers = leave.headers.filter(({ name }) => name !== "if-none-match");
    const answer = await fetchTransfer().put(leave.url, headers, content, new AbortController().signal);
    assert.equal(answer.status, 403);
    assert.match(answer.text, /if-none-match/);
  });

  it("refuses an upload that is complete only after the moment", async () => {
    const slow = manualClock(NOW_MS);
    const late = await openFolderObjects({ dir, publicUrl: base, clock: slow });
    holder.objects = late;
    const leave = await grantOf(late, CONTENT);
    const headers = { ...headersOf(leave), "content-length": CONTENT.length };
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const outgoing = request(leave.url, { method: "PUT", headers });
      outgoing.on("response", (response) => resolve(response.resume().statusCode)).on("error", reject);
      outgoing.write(CONTENT.subarray(0, 5));
      const drafts = async (): Promise<boolean> => (await readdir(join(dir, "drafts"))).length === 1;
      waitUntil("the upload to have begun", 5_000, drafts)
        .then(() => slow.advanceTo(LATER_MS))
        .then(() => outgoing.end(CONTENT.subarray(5)))
        .catch(reject);
    });
    assert.equal(status, 403);
    assert.equal(await late.head("up/a.bin"), undefined);
  });

  it("serves HTTP/2 as well, and holds it to the same pins", async () => {
    const http2Server = createHttp2Server((incoming, response) => void objects.handle(incoming, response));
    await new Promise<void>((resolve) => http2Server.listen(0, "127.0.0.1", resolve));
    const session = connect(`http://127.0.0.1:${(http2Server.address() as AddressInfo).port}`);
    try {
      const call = (headers: OutgoingHttpHeaders, body?: Uint8Array): Promise<[number, string]> =>
        new Promise((resolve) => {
          const stream = session.request(headers);
          let status = 0;
          let answer = "";
          stream.on("response", (response) => (status = response[":status"] ?? 0));
          stream.on("data", (chunk: Buffer) => (answer += chunk.toString()));
          stream.on("error", () => undefined).on("close", () => resolve([status, answer]));
          if (body !== undefined) stream.end(body);
        });
      const pathOf = (url: string): string => url.slice(base.length);
      const leave = await grantOf(objects, CONTENT);
      const put = { ":method": "PUT", ":path": pathOf(leave.url), ...headersOf(leave) };
      const pinned = { ...put, "content-length": CONTENT.length };
      assert.equal((await call(put, CONTENT))[0], 411, "no length");
      assert.notEqual((await call(pinned, text("01234567890")))[0], 200, "longer than said");
      assert.notEqual((await call(pinned, text("012345678")))[0], 200, "shorter than said");
      assert.equal((await call(pinned, text("9876543210")))[0], 400, "other bytes");
      assert.equal(await objects.head("up/a.bin"), undefined);
      assert.equal((await call(pinned, CONTENT))[0], 200);
      assert.equal((await call(pinned, CONTENT))[0], 412);
      const download = { ":path": pathOf(await objects.grantDownload("up/a.bin", LATER_MS)) };
      assert.deepEqual(await call(download), [200, "0123456789"]);
      assert.deepEqual(await call({ ...download, range: "bytes=0-1" }), [206, "01"]);
      assert.equal((await call({ ":path": "/objects/up/a.bin" }))[0], 403);
    } finally {
      session.destroy();
      await new Promise((resolve) => http2Server.close(resolve));
    }
  });

  it("gives every key a file of its own, and lists in the order of the keys", async function () {
    this.timeout(60_000);
    const segment = fc.oneof(
      fc.constantFrom(
        "a",
        "a.b",
        "a-",
        "a=",
        "0",
        ".a",
        "a.",
        "...",
        "b".repeat(250),
        "b".repeat(251),
        `${"b".repeat(250)}.`,
      ),
      fc.stringMatching(/^[A-Za-z0-9=_.-]{1,4}$/).filter((name) => name !== "." && name !== ".."),
    );
    const key = fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
    const usable = key.filter((candidate) => candidate.length <= 512);
    const keys = fc.uniqueArray(usable, { minLength: 2, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(keys, usable, async (some, afterKey) => {
        await rm(join(dir, "objects"), { recursive: true });
        const fresh = await open();
        for (const one of some) assert.equal(await fresh.putIfAbsent(one, text(one), TYPE), true, one);
        for (const one of some) assert.deepEqual(await fresh.get(one), text(one));
        assert.deepEqual(
          (await all(fresh.list(""))).map((info) => info.key),
          [...some].sort(),
        );
        const after = [...some].sort().filter((one) => one > afterKey);
        assert.deepEqual(
          (await all(fresh.list("", afterKey))).map((info) => info.key),
          after,
        );
        for (const name of some.flatMap(namesOfKey)) assert.ok(name.length <= 255 && !/^\.{1,2}$/.test(name), name);
      }),
      { numRuns: 40 },
    );
  });
});

function grantOf(store: FolderObjects, content: Uint8Array): Promise<UploadLeave> {
  const pins = { key: "up/a.bin", sizeBytes: content.length, md5: md5Of(content), contentType: TYPE };
  return store.grantUpload(pins, LATER_MS);
}

function headersOf(leave: UploadLeave): Record<string, string> {
  return Object.fromEntries(leave.headers.map(({ name, value }) => [name, value]));
}
