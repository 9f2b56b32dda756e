import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { type ManualClock, manualClock } from "../../adapters/clock/manual-clock.js";
import { readyCrypto, verifySr25519 } from "../../adapters/wallet/wallet.js";
import { epochStartMs } from "../../core/epoch-time.js";
import type { ErrorReason } from "../../core/errors.js";
import { bytesToHex, sha256Hex } from "../../core/hash.js";
import { EpochService } from "../../gen/zipnet/v1/epoch_service_pb.js";
import { AUTH_HEADERS, authHeaders, callSigningText } from "./auth.js";
import type { ServerAuth } from "./auth-check.js";
import { type ClientSession, newSession } from "./client-sessions.js";
import { fromConnectError } from "../errors.js";
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
import { type ServerSessions, serverSessions } from "./server-sessions.js";
import { callHmac, keyPairOf, sessionKey, sessionStatement } from "./session.js";

const NOW_MS = epochStartMs(FIRST, EPOCH_SECONDS);
const SECRET = new Uint8Array(32).fill(2);
const SERVER_KEY = keyPairOf(SECRET).publicKey;
const OTHER_KEY = keyPairOf(new Uint8Array(32).fill(3)).publicKey;
const HOUR_SECONDS = 3_600;

describe("sessions", () => {
  before(readyCrypto);

  const scopeOf = (receiver: string) => ({ receiver, network: NETWORK, netuid: NETUID });

  it("come to the numbers that the documentation states", () => {
    const text = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");
    const own = keyPairOf(new Uint8Array(32).fill(1));
    const scope = { receiver: "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty", network: "local", netuid: 1 };
    const sender = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    const terms = { ephemeralKey: own.publicKey, serverKey: SERVER_KEY, expirySeconds: 1_793_106_000, sender, scope };
    const statement = sessionStatement(terms);
    const key = sessionKey(own, SERVER_KEY, statement);
    const call = callSigningText({
      scheme: "hmac-sha256",
      procedure: "/zipnet.v1.EpochService/GetEpoch",
      bodySha256: sha256Hex(Uint8Array.of(0x10, 0x01)),
      nonce: "1793102400000000000",
      sender,
      scope,
    });
    const hmac = callHmac(key, call).toString("hex");
    for (const number of [own.publicKey, SERVER_KEY, sha256Hex(statement), bytesToHex(key), hmac]) {
      assert.ok(text.includes(`\`${number}\` |`), `${number} is not in docs/protocol.md`);
    }
    assert.deepEqual(sessionKey(keyPairOf(SECRET), own.publicKey, statement), key, "both sides have the same key");
  });

  describe("at a server", () => {
    let clock: ManualClock;
    let server: TestServer;
    let client: Client<typeof EpochService>;
    let lastNonce = 0n;

    beforeEach(() => start());
    afterEach(() => server.stop());

    async function start(auth: Partial<ServerAuth> = { sessionSecret: SECRET }): Promise<void> {
      clock = manualClock(NOW_MS);
      const log = logOver(clock);
      await recordThrough(log, FIRST, FIRST);
      server = await startTestServer(clock, { log, auth });
      client = createClient(EpochService, createConnectTransport({ baseUrl: server.url, httpVersion: "1.1" }));
    }

    function sessionOf(
      of: { key?: Parameters<typeof keys>[0]; serverKey?: string; receiver?: string; atMs?: number } = {},
    ): ClientSession {
      const scope = scopeOf(of.receiver ?? keys("server").hotkey);
      const atClock = manualClock(of.atMs ?? clock.now());
      return newSession(of.serverKey ?? SERVER_KEY, { signer: keys(of.key ?? "miner"), scope, clock: atClock });
    }

    function headersIn(session: ClientSession, change: Record<string, string> = {}): Record<string, string> {
      lastNonce += 1n;
      const headers = authHeaders({
        procedure: "/zipnet.v1.EpochService/GetEpoch",
        requestBytes: new Uint8Array(),
        signer: keys("miner"),
        scope: scopeOf(keys("server").hotkey),
        nonce: BigInt(clock.now()) * 1_000_000n + lastNonce,
        session,
      });
      return { ...headers, ...change };
    }

    async function assertRefused(reason: ErrorReason, text: RegExp, headers: Record<string, string>): Promise<void> {
      await assert.rejects(client.getEpoch({}, { headers }), (error) => {
        const meant = fromConnectError(error);
        assert.equal(meant.reason, reason, meant.message);
        assert.match(meant.message, text);
        return true;
      });
    }

    it("let call after call in", async () => {
      const session = sessionOf();
      for (let i = 0; i < 3; i += 1) assert.ok((await client.getEpoch({}, { headers: headersIn(session) })).record);
    });

    it("do not weaken what is checked of a call", async () => {
      const session = sessionOf();
      const headers = headersIn(session);
      await client.getEpoch({}, { headers });
      await assertRefused("REPLAYED_CALL", /sign every call anew/, headers);
      const altered = { [AUTH_HEADERS.nonce]: `${clock.now()}000999` };
      await assertRefused("SIGNATURE_INVALID", /not the session's .*hmac-sha256/, headersIn(session, altered));
      const forged = { [AUTH_HEADERS.signature]: "0".repeat(64) };
      await assertRefused("SIGNATURE_INVALID", /not the session's/, headersIn(session, forged));
      const long = { [AUTH_HEADERS.signature]: "0".repeat(128) };
      await assertRefused("UNAUTHENTICATED_CALL", /64 lower-case .*session/, headersIn(session, long));
      await assert.rejects(client.getEpoch({ epochId: "x" }, { headers: headersIn(session) }), /was signed/);
    });

    it("belong to one hotkey, whether the server knows them or not", async () => {
      const session = sessionOf();
      const other = { [AUTH_HEADERS.hotkey]: keys("validator").hotkey };
      await assertRefused("SESSION_INVALID", /is not signed by/, headersIn(session, other));
      await client.getEpoch({}, { headers: headersIn(session) });
      await assertRefused("SESSION_INVALID", /not 5/, headersIn(session, other));
    });

    it("are refused when they were made for another session key, receiver, or are malformed", async () => {
      // What a caller makes to whom somebody in between has told a key of its own.
      await assertRefused(
        "SESSION_INVALID",
        /session key of this server/,
        headersIn(sessionOf({ serverKey: OTHER_KEY })),
      );
      const elsewhere = sessionOf({ receiver: keys("validator").hotkey });
      await assertRefused("SESSION_INVALID", /is not signed by/, headersIn(elsewhere));
      await assertRefused("SESSION_INVALID", /of the form/, headersIn(sessionOf(), { [AUTH_HEADERS.session]: "x" }));
    });

    it("end after at most an hour, give or take the difference between the clocks", async () => {
      const [early, late] = [sessionOf({ atMs: NOW_MS - 5_000 }), sessionOf({ atMs: NOW_MS + 5_000 })];
      for (const session of [early, late]) await client.getEpoch({}, { headers: headersIn(session) });
      const tooLong = sessionOf({ atMs: NOW_MS + 6_000 });
      await assertRefused("SESSION_INVALID", /more than 3600 s from now/, headersIn(tooLong));
      await clock.advanceTo(NOW_MS + HOUR_SECONDS * 1000 - 1);
      await client.getEpoch({}, { headers: headersIn(early) });
      await clock.advanceTo(NOW_MS + HOUR_SECONDS * 1000);
      for (let i = 0; i < 2; i += 1) await assertRefused("SESSION_INVALID", /has expired/, headersIn(early));
      await client.getEpoch({}, { headers: headersIn(late) });
    });

    it("are refused where none are offered", async () => {
      await server.stop();
      await start({});
      await assertRefused("SESSION_INVALID", /no sessions are offered/, headersIn(sessionOf()));
    });

    it("count in the same replay set and quota as signed calls, on every replica", async () => {
      const second = await startTestServer(clock, {
        log: server.log,
        auth: { sessionSecret: SECRET, cache: server.cache },
      });
      const there = createClient(EpochService, createConnectTransport({ baseUrl: second.url, httpVersion: "1.1" }));
      const headers = headersIn(sessionOf());
      await client.getEpoch({}, { headers });
      await assert.rejects(there.getEpoch({}, { headers }), (error) => {
        return fromConnectError(error).reason === "REPLAYED_CALL";
      });
      await second.stop();
    });
  });

  describe("as a server remembers them", () => {
    const clock = manualClock(NOW_MS);
    let verified = 0;

    function remembered(capacity: number): ServerSessions {
      verified = 0;
      return serverSessions({
        secret: SECRET,
        scope: scopeOf(keys("server").hotkey),
        verify: (...given) => {
          verified += 1;
          return verifySr25519(...given);
        },
        clock,
        maxClockDifferenceMs: 5_000,
        capacity,
      });
    }

    const headerOf = (): string =>
      newSession(SERVER_KEY, { signer: keys("miner"), scope: scopeOf(keys("server").hotkey), clock }).header;

    it("are checked once, and again when they were not kept", () => {
      const sessions = remembered(10);
      const header = headerOf();
      const session = sessions.open(header, keys("miner").hotkey);
      sessions.open(header, keys("miner").hotkey);
      assert.deepEqual([verified, sessions.size], [2, 0]);
      sessions.keep(session);
      assert.equal(sessions.open(header, keys("miner").hotkey), session);
      assert.deepEqual([verified, sessions.size], [2, 1]);
    });

    it("are forgotten in the order in which they were used", () => {
      const sessions = remembered(2);
      const { hotkey } = keys("miner");
      const [a, b, c] = [headerOf(), headerOf(), headerOf()];
      for (const header of [a, b, a, c]) sessions.keep(sessions.open(header, hotkey));
      assert.deepEqual([verified, sessions.size], [3, 2]);
      sessions.open(a, hotkey);
      assert.equal(verified, 3);
      sessions.open(b, hotkey);
      assert.equal(verified, 4);
    });
  });
});
