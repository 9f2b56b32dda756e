import assert from "node:assert/strict";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { type ManualClock, manualClock } from "../../adapters/clock/manual-clock.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import { epochStartMs } from "../../core/epoch-time.js";
import { hexToBytes } from "../../core/hash.js";
import { EpochService } from "../../gen/zipnet/v1/epoch_service_pb.js";
import { AUTH_HEADERS } from "./auth.js";
import { type ClientSessions, clientSessions } from "./client-sessions.js";
import {
  EPOCH_SECONDS,
  FIRST,
  NETUID,
  NETWORK,
  type TestServer,
  keys,
  logOver,
  recordThrough,
  startTestServer,
} from "../kit.test-support.js";
import { keyPairOf } from "./session.js";
import { signingInterceptor } from "./signing.js";

const NOW_MS = epochStartMs(FIRST, EPOCH_SECONDS);
const SECRET = new Uint8Array(32).fill(2);
const SERVER_KEY = hexToBytes(keyPairOf(SECRET).publicKey);
const FOREIGN_KEY = hexToBytes(keyPairOf(new Uint8Array(32).fill(3)).publicKey);

describe("a client's sessions", () => {
  let clock: ManualClock;
  let offered: Uint8Array | Error;
  let asked: number;
  let sessions: ClientSessions;

  before(readyCrypto);
  beforeEach(() => {
    clock = manualClock(NOW_MS);
    offered = SERVER_KEY;
    asked = 0;
    sessions = clientSessions({
      signer: keys("miner"),
      scope: { receiver: keys("server").hotkey, network: NETWORK, netuid: NETUID },
      clock,
      readServerKey: async () => {
        asked += 1;
        if (offered instanceof Error) throw offered;
        return offered;
      },
    });
  });

  async function learned() {
    for (let i = 0; i < 2; i += 1) assert.equal(sessions.forCall(), undefined);
    await new Promise((resolve) => setImmediate(resolve));
    const session = sessions.forCall();
    assert.ok(session);
    return session;
  }

  it("begin with the key that the second call asks for", async () => {
    sessions.forCall();
    assert.equal(asked, 0);
    const session = await learned();
    assert.equal(sessions.forCall(), session);
    assert.equal(asked, 1);
  });

  it("are renewed before they end, without asking again", async () => {
    const first = await learned();
    await clock.advanceTo(first.expiryMs - 300_001);
    assert.equal(sessions.forCall(), first);
    await clock.advanceTo(first.expiryMs - 300_000);
    const second = sessions.forCall();
    assert.ok(second !== undefined && second.expiryMs > first.expiryMs && second.header !== first.header);
    assert.equal(asked, 1);
  });

  it("do without where none are offered or the key cannot be had, and ask again later", async () => {
    for (const answer of [new Uint8Array(), new Uint8Array(31), new Error("unreachable")]) {
      offered = answer;
      const before = asked;
      for (let i = 0; i < 5; i += 1) {
        assert.equal(sessions.forCall(), undefined);
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.equal(asked, before + 1);
      await clock.advanceTo(clock.now() + 600_000);
    }
  });

  it("ask for the key anew when a session is refused, but not call after call", async () => {
    sessions.refused(await learned());
    sessions.refused(await learned());
    assert.equal(asked, 2);
    sessions.forCall();
    assert.equal(asked, 2);
    await clock.advanceTo(clock.now() + 600_000);
    await learned();
    assert.equal(asked, 3);
  });

  it("are not given up for the refusal of an earlier one", async () => {
    const first = await learned();
    await clock.advanceTo(first.expiryMs - 300_000);
    const second = sessions.forCall();
    sessions.refused(first);
    assert.equal(sessions.forCall(), second);
  });

  describe("with a server", () => {
    let server: TestServer;
    const schemes: string[] = [];

    beforeEach(async () => {
      const log = logOver(clock);
      await recordThrough(log, FIRST, FIRST);
      server = await startTestServer(clock, { log, auth: { sessionSecret: SECRET } });
      schemes.length = 0;
    });
    afterEach(() => server.stop());

    function client() {
      const scope = { receiver: keys("server").hotkey, network: NETWORK, netuid: NETUID };
      return createClient(
        EpochService,
        createGrpcTransport({
          baseUrl: server.url,
          interceptors: [
            signingInterceptor({ signer: keys("miner"), scope, clock, sessions }),
            (next) => (request) => {
              schemes.push(request.header.has(AUTH_HEADERS.session) ? "session" : "hotkey");
              return next(request);
            },
          ],
        }),
      );
    }

    /** Opens a stream, reads its first message and ends it. */
    async function firstOf(epochs: ReturnType<typeof client>): Promise<void> {
      const ending = new AbortController();
      const messages = epochs.watchEpochs({}, { signal: ending.signal })[Symbol.asyncIterator]();
      const first = await messages.next();
      assert.equal(first.done === true ? undefined : first.value.event.case, "started");
      ending.abort();
      await assert.rejects(messages.next());
    }

    it("authenticate calls and streams", async () => {
      const epochs = client();
      for (let i = 0; i < 3; i += 1) await epochs.getEpoch({});
      await firstOf(epochs);
      assert.deepEqual(schemes, ["hotkey", "hotkey", "session", "session"]);
    });

    it("cost a call nothing when the server does not take them: it is signed and made once more", async () => {
      offered = FOREIGN_KEY;
      const epochs = client();
      for (let i = 0; i < 4; i += 1) assert.ok((await epochs.getEpoch({})).record);
      assert.deepEqual(schemes, ["hotkey", "hotkey", "session", "hotkey", "hotkey"]);
    });

    it("are given up when a stream is refused, so that the next attempt works", async () => {
      offered = FOREIGN_KEY;
      await learned();
      const epochs = client();
      await assert.rejects(firstOf(epochs), /sign the call itself/);
      await firstOf(epochs);
      assert.deepEqual(schemes, ["session", "hotkey"]);
    });
  });
});
