import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import { syncBuiltinESMExports } from "node:module";
import type { AddressInfo } from "node:net";
import { sessionManagerOf } from "./session-manager.js";

describe("the session manager", () => {
  const connect = http2.connect;
  afterEach(() => {
    http2.connect = connect;
    syncBuiltinESMExports();
  });

  it("tells those who wait when a connection is given up at the moment it is made, and connects anew", async () => {
    const server = http2.createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const manager = sessionManagerOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    http2.connect = ((...given: Parameters<typeof connect>) => {
      const session = connect(...given);
      session.once("connect", () => process.nextTick(() => manager.abort()));
      return session;
    }) as typeof connect;
    syncBuiltinESMExports();
    try {
      assert.equal(await manager.connect(), "error");
      http2.connect = connect;
      syncBuiltinESMExports();
      assert.equal(await manager.connect(), "idle");
    } finally {
      manager.abort();
      server.close();
    }
  });
});
