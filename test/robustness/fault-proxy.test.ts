import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, type Server, type Socket, connect, createServer } from "node:net";
import { type FaultProxy, startFaultProxy } from "./fault-proxy.js";

/** A client's side of a connection: what came, and how it ended. */
interface Client {
  readonly socket: Socket;
  text(): string;
  isOver(): boolean;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const endMs = Date.now() + 5_000; !holds();) {
    if (Date.now() > endMs) throw new Error(`${what} never came true`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("the fault proxy", () => {
  let echo: Server;
  let proxy: FaultProxy;
  const clients: Socket[] = [];
  beforeEach(async () => {
    echo = createServer((socket) => socket.on("error", () => {}).pipe(socket)).listen(0, "127.0.0.1");
    await once(echo, "listening");
    proxy = await startFaultProxy((echo.address() as AddressInfo).port);
  });
  afterEach(async () => {
    for (const socket of clients.splice(0)) socket.destroy();
    await proxy.close();
    echo.close();
  });

  async function client(): Promise<Client> {
    const socket = connect(proxy.port, "127.0.0.1");
    clients.push(socket);
    let text = "";
    let isOver = false;
    socket.on("data", (chunk: Buffer) => void (text += chunk.toString()));
    socket.on("error", () => {}).on("close", () => void (isOver = true));
    await once(socket, "connect");
    return { socket, text: () => text, isOver: () => isOver };
  }

  async function echoes({ socket, text }: Client, word: string): Promise<void> {
    socket.write(word);
    await until(`an echo of ${word}`, () => text().endsWith(word));
  }

  it("passes bytes and ends", async () => {
    const one = await client();
    await echoes(one, "hello");
    one.socket.end();
    await until("the end", one.isOver);
  });

  it("holds everything, and passes it afterwards", async () => {
    const [held, other] = [await client(), await client()];
    await echoes(held, "a");
    const release = proxy.trouble((connection) => (connection === 0 ? { kind: "black-hole" } : undefined));
    held.socket.end("b");
    await echoes(other, "c");
    await echoes(other, "d");
    assert.equal(held.text(), "a");
    assert.equal(held.isOver(), false);
    release();
    await until("what was held", () => held.text() === "ab" && held.isOver());
  });

  it("cuts in the middle of what is sent, on new connections as well until it is over", async () => {
    const old = await client();
    await echoes(old, "first");
    const release = proxy.trouble(() => ({ kind: "cut", afterBytes: 3 }));
    const fresh = await client();
    for (const { socket } of [old, fresh]) socket.write("abcdef");
    await until("both cuts", () => old.isOver() && fresh.isOver());
    assert.ok("firstabc".startsWith(old.text()) && "abc".startsWith(fresh.text()), `${old.text()} ${fresh.text()}`);
    release();
    await echoes(await client(), "whole again");
  });

  it("is late with everything, in order", async () => {
    const one = await client();
    const release = proxy.trouble(() => ({ kind: "slow", delayMs: 60 }));
    const startMs = performance.now();
    await echoes(one, "x");
    assert.ok(performance.now() - startMs >= 100, "both ways are slow");
    one.socket.write("1");
    release();
    await echoes(one, "2");
    assert.equal(one.text(), "x12");
  });

  it("refuses as the server behind it does", async () => {
    await new Promise((resolve) => echo.close(resolve));
    const one = await client();
    await until("the end", one.isOver);
    echo = createServer().listen(0, "127.0.0.1");
  });
});
