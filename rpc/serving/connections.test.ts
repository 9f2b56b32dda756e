import assert from "node:assert/strict";
import { once } from "node:events";
import { type Socket, connect } from "node:net";
import { type ManualClock, manualClock } from "../../adapters/clock/manual-clock.js";
import { quietLog } from "../../test/support/quiet-log.js";
import { trustedProxies } from "./caller-address.js";
import { Connections } from "./connections.js";
import { until } from "../kit.test-support.js";
import { type Listener, listen } from "./listener.js";

const ADDRESS = "127.0.0.1";

describe("a port's connections", () => {
  let clock: ManualClock;
  let listener: Listener;
  let connections: Connections;
  const opened: Socket[] = [];

  async function start(...of: ConstructorParameters<typeof Connections>): Promise<void> {
    clock = manualClock(0);
    connections = new Connections(...of);
    const handle = (): void => {};
    listener = await listen({ host: ADDRESS, port: 0, clock, log: quietLog, connections, handle });
  }

  afterEach(async () => {
    for (const socket of opened.splice(0)) socket.destroy();
    await listener.close(0);
  });

  /** A connection, begun as HTTP/1.1 so that it is not ended for saying nothing. */
  async function open(): Promise<Socket> {
    const socket = connect(listener.port, ADDRESS).on("error", () => {});
    opened.push(socket);
    await once(socket, "connect");
    socket.write("GET / HTTP/1.1\r\n");
    return socket;
  }

  it("are counted until they close", async () => {
    await start(10);
    const sockets = [await open(), await open()];
    await until(() => connections.of(ADDRESS) === 2);
    assert.equal(connections.of("127.0.0.2"), 0);
    sockets[0]?.destroy();
    await until(() => connections.of(ADDRESS) === 1);
  });

  it("end after a while when they are too many, and at once when too many of those wait for their answer", async () => {
    await start(1);
    const taken = await open();
    await until(() => connections.of(ADDRESS) === 1);
    const refused = await Promise.all(Array.from({ length: 100 }, open));
    await until(() => refused.every((socket) => connections.refusalOf(ends(socket)) !== undefined));
    assert.match(
      connections.refusalOf(ends(refused[99]))?.message ?? "",
      /holds 1 connections open, and 1 per address/,
    );
    assert.equal(connections.refusalOf(ends(taken)), undefined);
    const cut = await open();
    await until(() => cut.closed);
    assert.ok(refused.every((socket) => !socket.closed));
    await clock.advanceTo(5_000);
    await until(() => refused.every((socket) => socket.closed));
    assert.equal(taken.closed, false);
    taken.destroy();
    await until(() => connections.of(ADDRESS) === 0);
    await open();
    await until(() => connections.of(ADDRESS) === 1);
  });

  it("may be any number from a trusted proxy", async () => {
    await start(1, trustedProxies([ADDRESS]));
    for (let i = 0; i < 3; i += 1) await open();
    await until(() => connections.of(ADDRESS) === 3);
  });

  /** The ends of a connection as the server sees them. */
  function ends(socket: Socket | undefined) {
    return { remoteAddress: socket?.localAddress, remotePort: socket?.localPort };
  }
});
