/**
 * What the balancer's configuration must do whatever stands behind it. A plain HTTP/2 server does: the replicas of a
 * quiet network send too little to fill a buffer.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import {
  type ClientHttp2Session,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  connect,
  createServer,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { type StartedHaproxy, haproxyMissing, startHaproxy } from "./haproxy.js";
import { freePort, waitUntil } from "./programs.js";

const missing = haproxyMissing();
const CHUNK = Buffer.alloc(16_384);
/** Far more than HAProxy and the system hold for one stream. */
const MUCH_BYTES = 4_000_000;

/** Answers the health check as told, and every other call without end, as it is read. */
function answer(stream: ServerHttp2Stream, path: string, status: string): void {
  stream.on("error", () => {});
  if (path.endsWith("/Check")) {
    stream.respond({ ":status": 200, "content-type": "application/json" });
    stream.end(JSON.stringify({ status }));
    return;
  }
  stream.respond({ ":status": 200 });
  // With a breath in between: one process is both ends of all streams.
  const write = (): void => {
    if (!stream.destroyed) stream.write(CHUNK, () => setTimeout(write, 1));
  };
  write();
}

(missing === undefined ? describe : describe.skip)(`the balancer${missing === undefined ? "" : `: ${missing}`}`, () => {
  let server: Http2Server;
  let balancer: StartedHaproxy;
  let status = "SERVING";
  let calls = 0;
  const behind = new Set<ServerHttp2Session>();
  const clients: ClientHttp2Session[] = [];

  before(async () => {
    server = createServer();
    server.on("session", (session) => {
      behind.add(session);
      session.on("error", () => {});
    });
    server.on("stream", (stream, headers) => {
      if (headers[":path"] === "/stream") calls += 1;
      answer(stream, String(headers[":path"]), status);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const started = await startHaproxy([(server.address() as AddressInfo).port, await freePort(), await freePort()]);
    if ("missing" in started) throw new Error(started.missing);
    balancer = started;
    // The balancer takes all three to be there until it has checked them.
    await waitUntil("one replica of three", 10_000, async () => {
      const [first, ...others] = await balancer.replicas();
      return first?.up === true && others.every(({ up }) => !up);
    });
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy();
  });
  after(async () => {
    for (const session of behind) session.destroy();
    await balancer.stop();
    server.close();
  });

  /** A client with a stream of its own; window: bytes that may come before it has read them. */
  function open(window: number): { readonly received: () => number; read(): void } {
    const client = connect(balancer.url, { settings: { initialWindowSize: window } });
    client.on("error", () => {});
    clients.push(client);
    const stream = client.request({ ":method": "POST", ":path": "/stream" });
    stream.on("error", () => {});
    stream.end();
    let bytes = 0;
    return { received: () => bytes, read: () => void stream.on("data", (chunk: Buffer) => (bytes += chunk.length)) };
  }

  it("lets nobody's stream be held up by clients that do not read", async () => {
    // One that reads before, so that there is a connection that could be shared, and others after.
    const readers = [open(65_535)];
    readers[0]?.read();
    for (let index = 0; index < 3; index += 1) open(0);
    await waitUntil("four streams", 10_000, async () => calls === 4);
    readers.push(open(65_535), open(65_535));
    for (const reader of readers.slice(1)) reader.read();
    const before = readers.map(({ received }) => received());
    await waitUntil("much for everybody who reads", 10_000, async () =>
      readers.every(({ received }, index) => received() - (before[index] ?? 0) > MUCH_BYTES),
    );
  });

  it("sends nothing new to a replica that says NOT_SERVING, and leaves it its streams", async () => {
    const held = open(65_535);
    held.read();
    await waitUntil("the first bytes", 5_000, async () => held.received() > 0);
    status = "NOT_SERVING";
    await waitUntil("the replica out", 10_000, async () => (await balancer.replicas())[0]?.up === false);
    const before = held.received();
    await waitUntil("more on the held stream", 5_000, async () => held.received() > before + MUCH_BYTES);
    const refused = connect(balancer.url);
    clients.push(refused);
    const [headers] = (await once(refused.request({ ":path": "/stream" }), "response")) as [Record<string, unknown>];
    assert.equal(headers[":status"], 503);
    status = "SERVING";
    await waitUntil("the replica back", 10_000, async () => (await balancer.replicas())[0]?.up === true);
  });
});
