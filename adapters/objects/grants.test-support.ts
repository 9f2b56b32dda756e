/** The part of the object store contract that is about grants: played over real HTTP, as a stranger would. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { request as httpRequest } from "node:http";
import type { ObjectStore, UploadLeave, UploadPins } from "../../core/ports.js";
import { fetchTransfer } from "../transfer/fetch-transfer.js";
import { all, md5Of, type ObjectsUnderTest, text } from "./objects.test-support.js";

const TYPE = "application/vnd.apache.parquet";
const never = new AbortController().signal;
const transfer = fetchTransfer();

interface RawRequest {
  readonly method: string;
  readonly url: string;
  /** Sent as it is, where URL would tidy it up. */
  readonly path?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Sends exactly this; the status. A connection that is ended instead of answered counts as 0. */
function send(request: RawRequest): Promise<number> {
  const { hostname, port, pathname, search } = new URL(request.url);
  return new Promise((resolve) => {
    const { method, headers, path = pathname + search } = request;
    const outgoing = httpRequest(
      { hostname, port, method, path, headers: { ...headers }, agent: false },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    outgoing.on("error", () => resolve(0));
    outgoing.end(request.body);
  });
}

/** The PUT that was granted, to be altered. */
function grantedPut(leave: UploadLeave, body: Uint8Array): RawRequest {
  const headers = Object.fromEntries(leave.headers.map(({ name, value }) => [name, value]));
  return { method: "PUT", url: leave.url, headers: { ...headers, "content-length": String(body.length) }, body };
}

function without(request: RawRequest, name: string): RawRequest {
  return {
    ...request,
    headers: Object.fromEntries(Object.entries(request.headers).filter(([other]) => other !== name)),
  };
}

function withHeader(request: RawRequest, name: string, value: string): RawRequest {
  return { ...request, headers: { ...request.headers, [name]: value } };
}

function withBody(request: RawRequest, body: Uint8Array): RawRequest {
  return withHeader({ ...request, body }, "content-length", String(body.length));
}

/** The request for the same address with another path after the store's own part of it. */
function toKey(request: RawRequest, grantedKey: string, path: string): RawRequest {
  const { pathname, search } = new URL(request.url);
  const base = pathname.replace(encodeURI(grantedKey).replaceAll("=", "%3D"), "").replace(grantedKey, "");
  assert.notEqual(base, pathname, "the key is in the address");
  return { ...request, path: base + path + search };
}

const CONTENT = text("exactly these bytes");
const OTHER = text("other bytes, same n").subarray(0, CONTENT.length);
const md5Base64 = (content: Uint8Array): string => Buffer.from(md5Of(content), "hex").toString("base64");

/** Every way in which a PUT can differ from what was granted for `key`. */
function badUploads(key: string): Readonly<Record<string, (good: RawRequest) => RawRequest>> {
  const name = key.slice(key.lastIndexOf("/") + 1);
  const folder = key.slice(0, -name.length);
  const others: Record<string, string> = {
    "another file name": `${folder}other.parquet`,
    "another folder": `stolen/${name}`,
    "another miner's folder by ..": `${folder}../stolen/${name}`,
    "another miner's folder by encoded ..": `${folder}%2e%2e/stolen/${name}`,
    "another miner's folder by an encoded slash": `${folder}..%2fstolen%2f${name}`,
    "another miner's folder by backslash": `${folder}..\\stolen\\${name}`,
    "a doubled slash": `${folder}/${name}`,
    "a dot segment": `${folder}./${name}`,
    "a slash at the end": `${key}/`,
    "a NUL at the end": `${key}%00`,
    "a broken escape": `${key}%zz`,
    "no key": "",
    "the folder": folder,
  };
  return {
    "a longer body": (good) => withBody(good, Buffer.concat([CONTENT, OTHER])),
    "a shorter body": (good) => withBody(good, CONTENT.subarray(1)),
    "an empty body": (good) => withBody(good, new Uint8Array()),
    "other bytes of the same length": (good) => withBody(good, OTHER),
    "other bytes with their own content-md5": (good) =>
      withHeader(withBody(good, OTHER), "content-md5", md5Base64(OTHER)),
    "other bytes without content-md5": (good) => without(withBody(good, OTHER), "content-md5"),
    "no content-md5": (good) => without(good, "content-md5"),
    "no if-none-match": (good) => without(good, "if-none-match"),
    "another if-none-match": (good) => withHeader(good, "if-none-match", '"x"'),
    "no content-type": (good) => without(good, "content-type"),
    "another content-type": (good) => withHeader(good, "content-type", "text/html"),
    "a body in chunks, of no stated length": (good) =>
      withHeader(without(good, "content-length"), "transfer-encoding", "chunked"),
    "POST instead of PUT": (good) => ({ ...good, method: "POST" }),
    "DELETE instead of PUT": (good) => ({ ...good, method: "DELETE" }),
    "no query": (good) => ({ ...good, url: good.url.split("?")[0] ?? "" }),
    ...Object.fromEntries(
      Object.entries(others).map(([what, path]) => [what, (good: RawRequest) => toKey(good, key, path)]),
    ),
  };
}

/** For every parameter of the address: the address with that one altered, and without it. */
function alteredQueries(url: string): { what: string; url: string }[] {
  return [...new URL(url).searchParams].flatMap(([name, value]) => {
    const altered = new URL(url);
    const digit = value.at(-1) === "1" ? "2" : "1";
    altered.searchParams.set(name, `${value.slice(0, -1)}${digit}`);
    const removed = new URL(url);
    removed.searchParams.delete(name);
    return [
      { what: `${name} altered`, url: altered.href },
      { what: `no ${name}`, url: removed.href },
    ];
  });
}

function assertRefused(status: number, what: string): void {
  assert.ok(status >= 400 && status < 500, `${what}: answered ${status}`);
}

/** Tests within the contract's describe. */
export function grantContract(tested: () => ObjectsUnderTest): void {
  let round = 0;
  let objects: ObjectStore;
  let key: string;
  let root: string;
  beforeEach(() => {
    ({ objects } = tested());
    round += 1;
    root = `grants-${round}/`;
    key = `${root}hotkey=5F/epoch=20261122T120000Z/zipcode=98101/file.parquet`;
  });

  const inSeconds = (seconds: number): number => tested().now() + seconds * 1000;
  const pinsOf = (content: Uint8Array): UploadPins => ({
    key,
    sizeBytes: content.length,
    md5: md5Of(content),
    contentType: TYPE,
  });
  const keysNow = async (): Promise<string[]> => (await all(objects.list(""))).map((info) => info.key);

  it("takes the granted upload, once", async () => {
    const content = randomBytes(300_000);
    const leave = await objects.grantUpload(pinsOf(content), inSeconds(60));
    assert.equal((await transfer.put(leave.url, leave.headers, content, never)).status, 200);
    assert.deepEqual(await objects.head(key), { key, sizeBytes: content.length, md5: md5Of(content) });
    assert.deepEqual(Buffer.from((await objects.get(key)) ?? []), content);
    assert.equal((await transfer.put(leave.url, leave.headers, content, never)).status, 412, "the same again");
  });

  it("takes an upload of nothing, when that was granted", async () => {
    const nothing = new Uint8Array();
    const leave = await objects.grantUpload(pinsOf(nothing), inSeconds(60));
    assert.equal((await transfer.put(leave.url, leave.headers, nothing, never)).status, 200);
    assert.equal((await objects.head(key))?.sizeBytes, 0);
  });

  it("refuses whatever differs from the grant, each with its status, and stores nothing", async () => {
    const leave = await objects.grantUpload(pinsOf(CONTENT), inSeconds(100));
    const good = grantedPut(leave, CONTENT);
    const before = await keysNow();
    const { otherStatuses } = tested();
    for (const [what, alter] of Object.entries(badUploads(key))) {
      assert.equal(await send(alter(good)), otherStatuses[what] ?? 403, what);
      assert.equal(await objects.head(key), undefined, `${what}: stored`);
    }
    for (const { what, url } of alteredQueries(leave.url)) {
      assert.equal(await send({ ...good, url }), otherStatuses[what] ?? 403, what);
    }
    assert.deepEqual(await keysNow(), before);
    assert.equal(await send(good), 200, "the grant itself was good all the time");
  });

  it("stores nothing of an upload that breaks off, and the grant still counts", async () => {
    const content = randomBytes(200_000);
    const good = grantedPut(await objects.grantUpload(pinsOf(content), inSeconds(100)), content);
    await new Promise<void>((resolve) => {
      const { hostname, port, pathname, search } = new URL(good.url);
      const outgoing = httpRequest({
        hostname,
        port,
        method: "PUT",
        path: pathname + search,
        headers: { ...good.headers },
      });
      outgoing.on("error", () => undefined).on("close", resolve);
      outgoing.write(content.subarray(0, 100_000), () => outgoing.destroy());
    });
    assert.equal(await objects.head(key), undefined);
    assert.equal(await send(good), 200);
    assert.deepEqual(await objects.head(key), { key, sizeBytes: content.length, md5: md5Of(content) });
  });

  it("lets exactly one of two simultaneous uploads win", async () => {
    const leaves = await Promise.all([
      objects.grantUpload(pinsOf(CONTENT), inSeconds(100)),
      tested().second.grantUpload(pinsOf(OTHER), inSeconds(100)),
    ]);
    const bodies = [CONTENT, OTHER];
    const requests = [0, 1, 0, 1].map((which) => {
      const leave = leaves[which] as UploadLeave;
      return { which, request: grantedPut(leave, bodies[which] as Uint8Array) };
    });
    const statuses = await Promise.all(requests.map(({ request }) => send(request)));
    assert.equal(statuses.filter((status) => status === 200).length, 1, statuses.join());
    for (const status of statuses) if (status !== 200) assertRefused(status, "the others");
    const winner = requests[statuses.indexOf(200)]?.which ?? 0;
    assert.deepEqual(await objects.get(key), new Uint8Array(bodies[winner] as Uint8Array));
  });

  it("refuses an upload to a key that is taken otherwise", async () => {
    const leave = await objects.grantUpload(pinsOf(CONTENT), inSeconds(100));
    await objects.putIfAbsent(key, OTHER, TYPE);
    assert.equal(await send(grantedPut(leave, CONTENT)), 412);
    assert.deepEqual(await objects.get(key), new Uint8Array(OTHER));
  });

  it("refuses an upload after the moment", async () => {
    const past = await objects.grantUpload(pinsOf(CONTENT), inSeconds(-5));
    assert.equal(await send(grantedPut(past, CONTENT)), 403, "granted until a moment in the past");
    const expireTimeMs = inSeconds(2);
    const late = await objects.grantUpload(pinsOf(CONTENT), expireTimeMs);
    await tested().passTime(expireTimeMs);
    assert.equal(await send(grantedPut(late, CONTENT)), 403, "too late");
    assert.equal(await objects.head(key), undefined);
  });

  it("gives a granted download until the moment, and nothing else", async () => {
    await objects.putIfAbsent(key, CONTENT, TYPE);
    await objects.putIfAbsent(`${root}other.parquet`, OTHER, TYPE);
    const expireTimeMs = inSeconds(4);
    const url = await objects.grantDownload(key, expireTimeMs);
    assert.deepEqual(await transfer.get(url, 1_000, never), CONTENT);
    const good: RawRequest = { method: "GET", url, headers: {}, body: new Uint8Array() };
    assert.equal(await send({ ...good, headers: { range: "bytes=2-4" } }), 206);
    assertRefused(await send(toKey(good, key, `${root}other.parquet`)), "another key");
    assertRefused(await send({ ...good, method: "DELETE" }), "DELETE");
    for (const altered of alteredQueries(url)) assertRefused(await send({ ...good, url: altered.url }), altered.what);
    const put = { ...good, method: "PUT", headers: { "content-length": String(OTHER.length) }, body: OTHER };
    assertRefused(await send(put), "PUT");
    assert.deepEqual(await objects.get(key), CONTENT);
    await tested().passTime(expireTimeMs);
    await assert.rejects(transfer.get(url, 1_000, never), { reason: "OBJECT_MISSING" });
  });

  it("says that a download granted for nothing is missing", async () => {
    const url = await objects.grantDownload(key, inSeconds(60));
    await assert.rejects(transfer.get(url, 1_000, never), { reason: "OBJECT_MISSING" });
  });

  it("reads and lists nothing without a grant", async () => {
    await objects.putIfAbsent(key, CONTENT, TYPE);
    const granted = new URL(await objects.grantDownload(key, inSeconds(60)));
    const bare: RawRequest = {
      method: "GET",
      url: granted.origin + granted.pathname,
      headers: {},
      body: new Uint8Array(),
    };
    assertRefused(await send(bare), "the object");
    assertRefused(await send({ ...bare, method: "HEAD" }), "the object's head");
    for (let path = ""; path !== key; path = key.slice(0, key.indexOf("/", path.length) + 1 || undefined)) {
      assertRefused(await send(toKey(bare, key, path)), `a listing of "${path}"`);
      assertRefused(
        await send(toKey({ ...bare, url: granted.href }, key, path)),
        `a listing of "${path}" with the grant's query`,
      );
    }
  });
}
