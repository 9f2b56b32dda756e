import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { type Socket, connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { type ManualClock, manualClock } from "../../adapters/clock/manual-clock.js";
import { fetchTransfer } from "../../adapters/transfer/fetch-transfer.js";
import { encodeCatalogue } from "../../core/catalogue.js";
import { sha256Hex } from "../../core/hash.js";
import { catalogueKey } from "../../core/object-keys.js";
import { quietLog } from "../../test/support/quiet-log.js";
import { until } from "../kit.test-support.js";
import { mapObjects } from "../memory.test-support.js";
import { type Listener, listen } from "../serving/listener.js";
import { CATALOGUES_PATH, downloadCatalogue } from "./download.js";
import { MAX_REQUESTS, catalogueMount } from "./mount.js";

const { bytes, sha256, catalogue } = encodeCatalogue(
  Array.from({ length: 3_000 }, (_, index) => ({
    zipCode: String(10_000 + index),
    state: "WA",
    county: "King",
    place: `A place with quite a long name, the one with the number ${index}`,
    expectedListings: 100,
    source: "test",
    asOf: "2026-11-01",
  })),
);
/** More than what sockets take before anybody reads. */
const large = new Uint8Array(48_000_000);
const largeSha256 = sha256Hex(large);
const never = new AbortController().signal;

describe("catalogues over HTTP", () => {
  let clock: ManualClock;
  let objects: ReturnType<typeof mapObjects>;
  let reads: string[];
  let listener: Listener;
  let url: string;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    clock = manualClock(0);
    objects = mapObjects();
    reads = [];
    await objects.putIfAbsent(catalogueKey(sha256), bytes, "");
    await objects.putIfAbsent(catalogueKey(largeSha256), large, "");
    const counting = {
      get: (key: string) => {
        reads.push(key);
        return objects.get(key);
      },
    };
    const mount = catalogueMount({ objects: counting, clock, log: quietLog });
    listener = await listen({
      host: "127.0.0.1",
      port: 0,
      clock,
      log: quietLog,
      handle(request, response) {
        if (!mount.handle(request, response)) response.writeHead(404).end();
      },
    });
    url = `http://127.0.0.1:${listener.port}`;
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await listener.close(0);
  });

  /** Asks for the large one over HTTP/1.1 and reads nothing. */
  async function askAndStop(): Promise<Socket> {
    const socket = connect(listener.port, "127.0.0.1").on("error", () => {});
    sockets.push(socket);
    await once(socket, "connect");
    socket.pause();
    socket.write(`GET ${CATALOGUES_PATH}${largeSha256} HTTP/1.1\r\nhost: zipnet\r\n\r\n`);
    return socket;
  }

  it("are downloaded by their hash, and read from the store once however many ask", async () => {
    const downloads = Array.from({ length: MAX_REQUESTS.openPerAddress }, () =>
      downloadCatalogue(fetchTransfer(), [url], sha256, never),
    );
    for (const downloaded of await Promise.all(downloads)) {
      assert.deepEqual(downloaded.bytes, bytes);
      assert.equal(downloaded.catalogue.entries.length, catalogue.entries.length);
    }
    assert.deepEqual(reads, [catalogueKey(sha256)]);
  });

  it("never change, and say so", async () => {
    const address = `${url}${CATALOGUES_PATH}${sha256}`;
    const head = await fetch(address, { method: "HEAD" });
    assert.equal(head.headers.get("content-length"), String(bytes.length));
    assert.match(head.headers.get("cache-control") ?? "", /immutable/);
    const again = await fetch(address, { headers: { "if-none-match": head.headers.get("etag") ?? "" } });
    assert.deepEqual([again.status, (await again.arrayBuffer()).byteLength], [304, 0]);
    assert.equal((await fetch(address, { method: "DELETE" })).status, 404);
  });

  it("come over HTTP/2 as well", async () => {
    const session: ClientHttp2Session = connectHttp2(url);
    try {
      const stream = session.request({ ":path": `${CATALOGUES_PATH}${sha256}` });
      assert.deepEqual(new Uint8Array(await buffer(stream)), bytes);
    } finally {
      session.close();
    }
  });

  it("that are not there are refused, with the name that was asked for", async () => {
    const other = "ab".repeat(32);
    await assert.rejects(downloadCatalogue(fetchTransfer(), [url], other, never), {
      reason: "OBJECT_MISSING",
      message: new RegExp(`there is no catalogue ${other}`),
    });
    const answer = await fetch(`${url}${CATALOGUES_PATH}..%2Frecords`);
    assert.deepEqual([answer.status, /64 lower-case/.test(await answer.text())], [404, true]);
    assert.deepEqual(reads, [catalogueKey(other)]);
  });

  it("with an altered bit are neither served nor taken", async () => {
    const altered = Uint8Array.from(bytes);
    altered[1_000] = (altered[1_000] ?? 0) ^ 1;
    objects.held.set(catalogueKey(sha256), altered);
    await assert.rejects(downloadCatalogue(fetchTransfer(), [url], sha256, never), { reason: "UNAVAILABLE" });
    const liar = { get: async () => altered };
    await assert.rejects(downloadCatalogue(liar, [url], sha256, never), { reason: "OBJECT_DIFFERS" });
  });

  it("are asked for at the next address where one has none", async () => {
    const transfer = fetchTransfer();
    const { bytes: got } = await downloadCatalogue(transfer, ["http://127.0.0.1:1", url], sha256, never);
    assert.deepEqual(got, bytes);
  });

  it("wait for nobody who does not read: others are told to come back, and the slow are cut off", async () => {
    const slow = await Promise.all(Array.from({ length: MAX_REQUESTS.openPerAddress }, askAndStop));
    const head = (): Promise<Response> => fetch(`${url}${CATALOGUES_PATH}${sha256}`, { method: "HEAD" });
    let refused = await head();
    while (refused.status !== 503) refused = await head();
    assert.equal(refused.headers.get("retry-after"), "5");
    await clock.advanceTo(120_000);
    for (const socket of slow) socket.resume();
    await until(() => slow.every((socket) => socket.destroyed || socket.readableEnded));
    while ((await head()).status !== 200);
  });

  it("are given to one address so often in a minute, and again in the next", async () => {
    const head = (): Promise<Response> => fetch(`${url}${CATALOGUES_PATH}${sha256}`, { method: "HEAD" });
    for (let asked = 0; asked < MAX_REQUESTS.perAddressAndMinute; asked += 1) assert.equal((await head()).status, 200);
    const refused = await head();
    assert.deepEqual([refused.status, refused.headers.get("retry-after")], [429, "60"]);
    await assert.rejects(downloadCatalogue(fetchTransfer(), [url], sha256, never), { reason: "UNAVAILABLE" });
    await clock.advanceTo(60_000);
    assert.equal((await head()).status, 200);
  });
});
