import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { type Socket, connect } from "node:net";
import { type ManualClock, manualClock } from "../../adapters/clock/manual-clock.js";
import { quietLog } from "../../test/support/quiet-log.js";
import { until } from "../kit.test-support.js";
import { type Listener, listen } from "./listener.js";

/** HTTP/2's preface and an empty SETTINGS frame: all that a client needs to say to be taken for one. */
const HELLO = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  Buffer.from("000000040000000000", "hex"),
]);

describe("session pings", () => {
  let clock: ManualClock;
  let listener: Listener;
  let silent: Socket;
  let alive: ClientHttp2Session;

  beforeEach(async () => {
    clock = manualClock(0);
    listener = await listen({ host: "127.0.0.1", port: 0, clock, log: quietLog, handle: () => {} });
    silent = connect(listener.port, "127.0.0.1");
    await once(silent, "connect");
    silent.write(HELLO);
    await once(silent, "data"); // Its settings: the server has taken the connection.
    alive = connectHttp2(`http://127.0.0.1:${listener.port}`);
    await once(alive, "remoteSettings");
  });
  afterEach(async () => {
    silent.destroy();
    alive.destroy();
    await listener.close(1_000);
  });

  /** Lets time pass as it does, second by second. */
  async function pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      await until(() => clock.sleepers > 0);
      await clock.advanceTo(clock.now() + 1_000);
    }
  }

  it("cuts a connection that answers no ping, and keeps one that does", async () => {
    let pings = 0;
    alive.on("ping", () => (pings += 1));
    await pass(46);
    await until(() => pings > 0);
    assert.equal(silent.destroyed, false);
    await pass(21);
    await until(() => silent.destroyed);
    await pass(60);
    await until(() => pings > 1);
    assert.equal(alive.destroyed, false);
  });

  it("stops looking when nobody is connected", async () => {
    silent.destroy();
    alive.destroy();
    await until(() => clock.sleepers === 0);
  });
});
