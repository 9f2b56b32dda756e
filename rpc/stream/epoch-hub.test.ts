import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { fromBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { type ManualClock, manualClock } from "../../adapters/clock/manual-clock.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import { epochStartMs } from "../../core/epoch-time.js";
import { ZipnetError } from "../../core/errors.js";
import {
  EpochService,
  WatchEpochsRequestSchema,
  type WatchEpochsResponse,
  WatchEpochsResponseSchema,
} from "../../gen/zipnet/v1/epoch_service_pb.js";
import { EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { signingInterceptor } from "../auth/signing.js";
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
  tokensOf,
  until,
} from "../kit.test-support.js";
import type { RecordedEpochs } from "../epoch-log/recorded-epochs.js";
import { openRawCall, rawAnswer, statusOf } from "../serving/raw-calls.test-support.js";

const PROCEDURE = "/zipnet.v1.EpochService/WatchEpochs";
/** Nonces never go back by less than a minute, so every test has a time of its own. */
const TEST_MS = 200_000;
const STALL_MS = 5_000;
/** More events than the ring holds and a connection takes unread. */
const MANY = 160;

/** A stream of a reader that reads when it is told to. */
class Reader {
  readonly stream: ClientHttp2Stream;
  #bytes = Buffer.alloc(0);
  status: string | undefined;
  readonly messages: WatchEpochsResponse[] = [];

  constructor(session: ClientHttp2Session, clock: ManualClock, token: Uint8Array = new Uint8Array()) {
    const message = { resumeToken: token };
    const { stream, frame } = openRawCall(session, PROCEDURE, WatchEpochsRequestSchema, message, clock);
    this.stream = stream;
    stream.on("trailers", (trailers) => (this.status = statusOf(trailers)));
    stream.on("error", () => {});
    stream.end(frame);
  }

  read(): void {
    this.stream.on("data", (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      while (this.#bytes.length >= 5 && this.#bytes.length >= 5 + this.#bytes.readUInt32BE(1)) {
        const end = 5 + this.#bytes.readUInt32BE(1);
        this.messages.push(fromBinary(WatchEpochsResponseSchema, this.#bytes.subarray(5, end)));
        this.#bytes = this.#bytes.subarray(end);
      }
    });
  }

  /** Numbers of the epochs that it was told of, counted from FIRST; closes as negative numbers. */
  get events(): number[] {
    return this.messages.flatMap(({ event }) => {
      if (event.case === "epoch") return [fromBinary(EpochSchema, event.value.payload).number - FIRST + 1];
      return event.case === "closed" ? [-(event.value.epochNumber - FIRST + 1)] : [];
    });
  }
}

/** What a reader that misses nothing sees of epochs first to last. */
function eventsOf(first: number, last: number): number[] {
  const events: number[] = [];
  for (let number = first; number <= last; number += 1) {
    events.push(number + 1);
    if (number > 0) events.push(-number);
  }
  return events;
}

describe("the hub", () => {
  let clock: ManualClock;
  let startMs = epochStartMs(FIRST, EPOCH_SECONDS);
  let server: TestServer;
  const sessions: ClientHttp2Session[] = [];

  before(readyCrypto);
  beforeEach(() => {
    startMs += TEST_MS;
    clock = manualClock(startMs);
  });
  afterEach(async () => {
    for (const session of sessions.splice(0)) session.destroy();
    await server.stop();
  });

  /** A connection that takes little before it is read. */
  function open(): ClientHttp2Session {
    const session = connect(server.url, { settings: { initialWindowSize: 2_000 } });
    sessions.push(session);
    return session;
  }

  async function tick(totalMs: number, stepMs = 500): Promise<void> {
    for (const endMs = clock.now() + totalMs; clock.now() < endMs;) {
      await until(() => clock.sleepers > 0);
      await clock.advanceTo(clock.now() + stepMs);
    }
  }

  it("holds nothing for a reader that is slow, and goes on with it from the records", async () => {
    server = await startTestServer(clock);
    await recordThrough(server.log, FIRST, FIRST);
    const [slow, quick] = [new Reader(open(), clock), new Reader(open(), clock)];
    quick.read();
    await until(() => server.streams() === 2);
    await recordThrough(server.log, FIRST + 1, FIRST + MANY);
    await until(() => quick.events.length === 2 * MANY + 1);
    assert.deepEqual(quick.events, eventsOf(0, MANY));
    slow.read();
    await until(() => slow.events.length === 2 * MANY + 1);
    assert.deepEqual(slow.events, eventsOf(0, MANY));
    assert.equal(slow.messages.filter(({ event }) => event.case === "caughtUp").length, 1);
  });

  it("starts a stream from the records when its token is before the ring", async () => {
    server = await startTestServer(clock, { log: logOver(clock, { keptEpochs: MANY }) });
    await recordThrough(server.log, FIRST, FIRST + MANY);
    const reader = new Reader(open(), clock, tokensOf().encode(2 * (FIRST + 3) + 1));
    reader.read();
    await until(() => reader.messages.at(-1)?.event.case === "caughtUp");
    assert.deepEqual(reader.events, eventsOf(4, MANY));
  });

  it("ends a stream that is not read with its last token, and cuts it when that is not read either", async () => {
    server = await startTestServer(clock, { stallTimeoutMs: STALL_MS, log: logOver(clock, { keptEpochs: MANY }) });
    await recordThrough(server.log, FIRST, FIRST);
    const [stalled, late, quick] = [1, 2, 3].map(() => new Reader(open(), clock));
    assert.ok(stalled !== undefined && late !== undefined && quick !== undefined);
    quick.read();
    await until(() => server.streams() === 3);
    await recordThrough(server.log, FIRST + 1, FIRST + MANY);
    await until(() => quick.events.length === 2 * MANY + 1);
    await tick(STALL_MS + 1_500);
    late.read();
    await until(() => late.status !== undefined);
    assert.equal(late.status, "STREAM_STALLED");
    assert.ok(late.events.length > 0 && late.events.length < MANY, "it was cut off in the middle");
    const resumed = new Reader(open(), clock, late.messages.at(-1)?.resumeToken);
    resumed.read();
    await until(() => resumed.messages.at(-1)?.event.case === "caughtUp");
    assert.deepEqual([...late.events, ...resumed.events], eventsOf(0, MANY));
    await tick(STALL_MS + 1_500);
    await until(() => server.streams() === 2);
    assert.equal(stalled.status, undefined);
    // Nor does one that reads again after the cut get anything more, and the server is none the worse for it.
    stalled.read();
    await until(() => stalled.stream.closed);
    assert.equal(stalled.stream.rstCode, constants.NGHTTP2_CANCEL);
    assert.ok(stalled.events.length < MANY);
    await recordThrough(server.log, FIRST + MANY + 1, FIRST + MANY + 1);
    await until(() => quick.events.length === 2 * MANY + 3);
  });

  it("goes on by itself when the records were out of reach", async () => {
    const log = logOver(clock);
    let isDown = false;
    const next: RecordedEpochs["next"] = async (revision) => {
      if (isDown) throw new ZipnetError("UNAVAILABLE", "the records are out of reach");
      return await log.next(revision);
    };
    const flaky = new Proxy(log, {
      get: (target, name: keyof RecordedEpochs) => (name === "next" ? next : target[name].bind(target)),
    });
    server = await startTestServer(clock, { log: flaky });
    await recordThrough(log, FIRST, FIRST);
    const reader = new Reader(open(), clock);
    reader.read();
    await until(() => reader.messages.at(-1)?.event.case === "caughtUp");
    isDown = true;
    await recordThrough(log, FIRST + 1, FIRST + 2);
    await tick(3_000);
    assert.deepEqual(reader.events, eventsOf(0, 0));
    isDown = false;
    await tick(2_000);
    await until(() => reader.events.length === 5);
    assert.deepEqual(reader.events, eventsOf(0, 2));
  });

  it("leaves calls with a deadline to the library, which ends them in time", async () => {
    server = await startTestServer(clock);
    const scope = { receiver: keys("server").hotkey, network: NETWORK, netuid: NETUID };
    const interceptors = [signingInterceptor({ signer: keys("miner"), scope, clock })];
    const client = createClient(EpochService, createGrpcTransport({ baseUrl: server.url, interceptors }));
    const seen: string[] = [];
    await assert.rejects(
      async () => {
        for await (const { event } of client.watchEpochs({}, { timeoutMs: 200 })) seen.push(event.case ?? "");
      },
      (error) => ConnectError.from(error).code === Code.DeadlineExceeded,
    );
    assert.deepEqual(seen, ["started", "caughtUp"]);
    assert.equal(server.streams(), 0);
  });

  it("says itself that the deadline was what ended a call", async () => {
    server = await startTestServer(clock);
    const session = connect(server.url);
    const late = { "grpc-timeout": "100m" };
    const { stream, frame } = openRawCall(session, PROCEDURE, WatchEpochsRequestSchema, {}, clock, late);
    const trailers = once(stream, "trailers");
    await rawAnswer(stream, frame);
    const [{ "grpc-status": status }] = (await trailers) as [Record<string, unknown>];
    assert.equal(status, String(Code.DeadlineExceeded));
    session.close();
  });

  it("tells everybody, however many there are and whoever does not listen", async () => {
    server = await startTestServer(clock);
    await recordThrough(server.log, FIRST, FIRST);
    const readers = Array.from({ length: 90 }, () => new Reader(open(), clock));
    for (const reader of readers.slice(1)) reader.read();
    await until(() => server.streams() === 90);
    await recordThrough(server.log, FIRST + 1, FIRST + 3);
    await until(() => readers.slice(1).every(({ events }) => events.length === 7));
    for (const reader of readers.slice(1)) assert.deepEqual(reader.events, eventsOf(0, 3));
    server.drain();
    await until(() => readers.slice(1).every(({ status }) => status === "UNAVAILABLE"));
    assert.ok(readers.slice(1).every(({ messages }) => messages.at(-1)?.event.case === "drain"));
  });

  it("keeps reasons of refusals as they are", async () => {
    server = await startTestServer(clock);
    const scope = { receiver: keys("server").hotkey, network: NETWORK, netuid: NETUID };
    const interceptors = [signingInterceptor({ signer: keys("stranger"), scope, clock })];
    const client = createClient(EpochService, createGrpcTransport({ baseUrl: server.url, interceptors }));
    await assert.rejects(
      client.watchEpochs({})[Symbol.asyncIterator]().next(),
      (error) => fromConnectError(error).reason === "NOT_REGISTERED",
    );
  });
});
