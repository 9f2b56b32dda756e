import assert from "node:assert/strict";
import { setMaxListeners } from "node:events";
import { type Client, Code, ConnectError, type Interceptor, type Transport, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { type ManualClock, manualClock } from "../../adapters/clock/manual-clock.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import { epochStartMs } from "../../core/epoch-time.js";
import { fromBinary } from "@bufbuild/protobuf";
import { EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { EpochService, StartMode, type WatchEpochsResponse } from "../../gen/zipnet/v1/epoch_service_pb.js";
import { openedRevision } from "../epoch-log/epoch-log.js";
import { fromConnectError } from "../errors.js";
import {
  EPOCH_SECONDS,
  FIRST,
  NETUID,
  NETWORK,
  type TestServer,
  epochRecord,
  keys,
  logOver,
  recordThrough,
  snapshotRecord,
  startTestServer,
  tokensOf,
  until,
} from "../kit.test-support.js";
import { signingInterceptor } from "../auth/signing.js";
import { mapObjects } from "../memory.test-support.js";

const NOW_MS = epochStartMs(FIRST, EPOCH_SECONDS);

/** A message in short: "+3" for the fourth epoch opening, "-3" for its close, else its kind. */
function short({ event }: WatchEpochsResponse): string {
  if (event.case === "epoch") return `+${fromBinary(EpochSchema, event.value.payload).number - FIRST}`;
  if (event.case === "closed") return `-${event.value.epochNumber - FIRST}`;
  return event.case ?? "nothing";
}

const isEvent = (text: string): boolean => /^[+-]/.test(text);

/** The ways a stream can take; both keep the same promises. */
const PATHS = {
  "over the hub (gRPC)": { transport: grpcTransport, isHub: true },
  "on the plain path (Connect with JSON over HTTP/1.1)": { transport: jsonTransport, isHub: false },
} as const;

function grpcTransport(baseUrl: string, interceptors: Interceptor[]): Transport {
  return createGrpcTransport({ baseUrl, interceptors });
}

function jsonTransport(baseUrl: string, interceptors: Interceptor[]): Transport {
  return createConnectTransport({ baseUrl, interceptors, httpVersion: "1.1", useBinaryFormat: false });
}

for (const [path, { transport, isHub }] of Object.entries(PATHS))
  describe(`WatchEpochs ${path}`, () => {
    let clock: ManualClock;
    let server: TestServer;
    let clients: { readonly epochs: Client<typeof EpochService> };
    let stopStream: AbortController;

    before(readyCrypto);
    beforeEach(() => {
      clock = manualClock(NOW_MS);
      stopStream = new AbortController();
      setMaxListeners(0, stopStream.signal);
    });
    afterEach(async () => {
      stopStream.abort();
      await server.stop();
    });

    async function start(more: Parameters<typeof startTestServer>[1] = {}): Promise<void> {
      server = await startTestServer(clock, more);
      clients = clientsOf(server, "miner");
    }

    function clientsOf({ url }: TestServer, name: "miner" | "validator"): typeof clients {
      const scope = { receiver: keys("server").hotkey, network: NETWORK, netuid: NETUID };
      const signing = signingInterceptor({ signer: keys(name), scope, clock });
      return { epochs: createClient(EpochService, transport(url, [signing])) };
    }

    function watch(resumeToken: Uint8Array = new Uint8Array(), client: Client<typeof EpochService> = clients.epochs) {
      return client.watchEpochs({ resumeToken }, { signal: stopStream.signal })[Symbol.asyncIterator]();
    }

    async function next(stream: AsyncIterator<WatchEpochsResponse>): Promise<WatchEpochsResponse> {
      const result = await stream.next();
      assert.equal(result.done, false, "the stream ended");
      return result.value;
    }

    async function take(stream: AsyncIterator<WatchEpochsResponse>, count: number): Promise<string[]> {
      const taken: string[] = [];
      while (taken.length < count) taken.push(short(await next(stream)));
      return taken;
    }

    async function assertRefused(
      token: Uint8Array,
      reason: string,
      code: Code,
    ): Promise<ReturnType<typeof fromConnectError>> {
      const error: unknown = await next(watch(token)).then(
        () => assert.fail("the token was taken"),
        (refusal: unknown) => refusal,
      );
      const meant = fromConnectError(error);
      assert.equal(meant.reason, reason, meant.message);
      assert.equal(ConnectError.from(error).code, code);
      return meant;
    }

    it("starts at once on an empty log, and goes on with the first epoch", async () => {
      await start();
      const stream = watch();
      const first = await next(stream);
      assert.equal(first.event.case === "started" && first.event.value.mode, StartMode.SNAPSHOT);
      assert.deepEqual(await take(stream, 1), ["caughtUp"]);
      await recordThrough(server.log, FIRST, FIRST + 1);
      assert.deepEqual(await take(stream, 3), ["+0", "+1", "-0"]);
    });

    it("starts with the previous and the current epoch, then follows in order", async () => {
      await start();
      await recordThrough(server.log, FIRST, FIRST + 3);
      const stream = watch();
      assert.deepEqual(await take(stream, 6), ["started", "+2", "-1", "+3", "-2", "caughtUp"]);
      await recordThrough(server.log, FIRST + 4, FIRST + 4);
      assert.deepEqual(await take(stream, 2), ["+4", "-3"]);
    });

    it("resumes after every message without a gap or a repeat, here and on another replica", async () => {
      const objects = mapObjects();
      await start({ log: logOver(clock, { objects }) });
      await recordThrough(server.log, FIRST, FIRST + 2);
      await server.log.recordSnapshot(snapshotRecord(FIRST + 2));
      await recordThrough(server.log, FIRST + 5, FIRST + 5);
      const replica = await startTestServer(clock, { log: logOver(clock, { objects }) });
      const replicaClients = clientsOf(replica, "miner");
      const all = ["+0", "+1", "-0", "+2", "-1", "-2", "+5"];

      const whole = watch(tokensOf().encode(0));
      const messages: WatchEpochsResponse[] = [];
      do messages.push(await next(whole));
      while (messages.at(-1)?.event.case !== "caughtUp");
      assert.deepEqual(messages.map(short), ["started", ...all, "caughtUp"]);

      for (const client of [clients.epochs, replicaClients.epochs]) {
        let delivered = 0;
        for (const message of messages) {
          if (isEvent(short(message))) delivered += 1;
          const rest = all.slice(delivered);
          const stream = watch(message.resumeToken, client);
          const started = await next(stream);
          assert.equal(started.event.case === "started" && started.event.value.mode, StartMode.RESUMED);
          assert.deepEqual(await take(stream, rest.length + 1), [...rest, "caughtUp"], `after ${short(message)}`);
          await stream.return?.();
        }
      }
      stopStream.abort();
      await replica.stop();
    });

    it("sends bookmarks on a quiet stream only, each with the newest token", async () => {
      await start({ bookmarkIntervalMs: 1_000 });
      await recordThrough(server.log, FIRST, FIRST);
      const stream = watch();
      await take(stream, 3);
      await until(() => clock.sleepers > 0);
      await clock.advanceTo(NOW_MS + 900);
      await server.log.recordEpoch(epochRecord(FIRST + 1));
      assert.deepEqual(await take(stream, 1), ["+1"]);
      await clock.advanceTo(NOW_MS + 1_800);
      const pending = next(stream);
      await clock.advanceTo(NOW_MS + 1_900);
      const bookmark = await pending;
      assert.equal(short(bookmark), "bookmark");
      assert.deepEqual(tokensOf().decode(bookmark.resumeToken), {
        status: "ok",
        revision: openedRevision(FIRST + 1),
      });
      assert.equal(Number(bookmark.serverTime?.seconds) * 1000, Math.floor((NOW_MS + 1_900) / 1000) * 1000);
    });

    it("sends bookmarks although the doorbell rings without news", async () => {
      await start({ bookmarkIntervalMs: 1_000 });
      await recordThrough(server.log, FIRST, FIRST);
      const stream = watch();
      await take(stream, 3);
      const pending = next(stream);
      for (const afterMs of [600, 1_200]) {
        await server.cache.ring("epochs");
        await until(() => clock.sleepers > 0);
        await clock.advanceTo(NOW_MS + afterMs);
      }
      assert.equal(short(await pending), "bookmark");
    });

    it("refuses a malformed token", async () => {
      await start();
      const good = tokensOf().encode(1);
      const flipped = good.map((byte, index) => (index === 12 ? byte ^ 1 : byte));
      for (const token of [new Uint8Array([1]), good.subarray(1), flipped, Uint8Array.from([1, ...good.subarray(1)])]) {
        await assertRefused(token, "RESUME_TOKEN_MALFORMED", Code.InvalidArgument);
      }
    });

    it("takes tokens of the key before, and refuses those of a key that was retired", async () => {
      await start({ tokens: tokensOf({ secrets: ["new", "server"] }) });
      await recordThrough(server.log, FIRST, FIRST);
      const retired = tokensOf({ secrets: ["older"] }).encode(openedRevision(FIRST));
      await assertRefused(retired, "RESUME_TOKEN_FOREIGN", Code.FailedPrecondition);
      const started = await next(watch(tokensOf().encode(openedRevision(FIRST))));
      assert.deepEqual(tokensOf({ secrets: ["new"] }).decode(started.resumeToken).status, "ok");
    });

    it("refuses a relay's token, and as a relay takes the server's", async () => {
      const relay = { secrets: ["relay"], trustsOtherIssuers: true } as const;
      await start();
      await recordThrough(server.log, FIRST, FIRST);
      const relayed = tokensOf(relay).encode(openedRevision(FIRST));
      const { message } = await assertRefused(relayed, "RESUME_TOKEN_FOREIGN", Code.FailedPrecondition);
      assert.match(message, /made by a relay/);
      await server.stop();
      await start({ tokens: tokensOf(relay), log: server.log });
      assert.deepEqual(await take(watch(tokensOf().encode(openedRevision(FIRST))), 2), ["started", "caughtUp"]);
    });

    it("refuses a token of another deployment", async () => {
      await start();
      await assertRefused(tokensOf({ network: "finney" }).encode(1), "RESUME_TOKEN_FOREIGN", Code.FailedPrecondition);
    });

    it("refuses a token from the future, until the future has come", async () => {
      await start();
      await recordThrough(server.log, FIRST, FIRST);
      const token = tokensOf().encode(openedRevision(FIRST + 1));
      await assertRefused(token, "RESUME_TOKEN_FROM_FUTURE", Code.Unavailable);
      await recordThrough(server.log, FIRST + 1, FIRST + 1);
      assert.deepEqual(await take(watch(token), 3), ["started", "-0", "caughtUp"]);
    });

    it("refuses a token that is too old with the oldest that works", async () => {
      await start({ log: logOver(clock, { keptEpochs: 2 }) });
      await recordThrough(server.log, FIRST, FIRST + 4);
      const tooOld = tokensOf().encode(openedRevision(FIRST + 2) - 2);
      const { metadata } = await assertRefused(tooOld, "RESUME_TOKEN_TOO_OLD", Code.OutOfRange);
      const oldest = Uint8Array.from(Buffer.from(metadata["oldest_resume_token"] ?? "", "base64"));
      assert.deepEqual(await take(watch(oldest), 7), ["started", "+2", "-1", "+3", "-2", "+4", "-3"]);
    });

    it("takes every token that a relay gave out", async () => {
      await start({ log: logOver(clock, { isRelay: true }) });
      await recordThrough(server.log, FIRST, FIRST + 1);
      const stream = watch();
      const messages: WatchEpochsResponse[] = [];
      for (let i = 0; i < 5; i += 1) messages.push(await next(stream));
      const [, opened] = messages;
      assert.ok(opened !== undefined && short(opened) === "+0");
      assert.deepEqual(await take(watch(opened.resumeToken), 4), ["started", "+1", "-0", "caughtUp"]);
    });

    it("drains with a delay inside the window that differs from caller to caller, and ends", async () => {
      await start({ drainWindowMs: 60_000 });
      await recordThrough(server.log, FIRST, FIRST);
      const other = clientsOf(server, "validator");
      const streams = [watch(), watch(new Uint8Array(), other.epochs)];
      for (const stream of streams) await take(stream, 3);
      server.drain();
      const delays: number[] = [];
      for (const stream of streams) {
        const { event } = await next(stream);
        assert.equal(event.case, "drain");
        if (event.case === "drain") delays.push(event.value.reconnectDelayMs);
        await assert.rejects(stream.next(), (error) => fromConnectError(error).message.includes("going down"));
      }
      assert.ok(delays.every((delayMs) => delayMs >= 0 && delayMs < 60_000));
      assert.notEqual(delays[0], delays[1]);
      await server.stop();
      await assert.rejects(clients.epochs.getEpoch({}), (error) => fromConnectError(error).reason === "UNAVAILABLE");
    });

    it("leaves nothing behind when callers go away", async () => {
      await start();
      await recordThrough(server.log, FIRST, FIRST);
      const streams = Array.from({ length: 30 }, () => watch());
      for (const stream of streams) await take(stream, 3);
      assert.equal(server.streams(), isHub ? 30 : 0);
      stopStream.abort();
      await until(() => server.streams() === 0);
      await server.stop();
      await until(() => clock.sleepers === 0);
    });
  });
