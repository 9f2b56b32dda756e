import assert from "node:assert/strict";
import { type ClientHttp2Session, connect } from "node:http2";
import { fromBinary } from "@bufbuild/protobuf";
import { type ManualClock, manualClock } from "../../adapters/clock/manual-clock.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import { epochStartMs } from "../../core/epoch-time.js";
import { GetEpochRequestSchema, GetEpochResponseSchema } from "../../gen/zipnet/v1/epoch_service_pb.js";
import {
  EPOCH_SECONDS,
  FIRST,
  type TestServer,
  epochRecord,
  hex,
  idOf,
  recordThrough,
  startTestServer,
} from "../kit.test-support.js";
import { type RawAnswer, openRawCall, rawAnswer } from "./raw-calls.test-support.js";

const PROCEDURE = "/zipnet.v1.EpochService/GetEpoch";
const PAGE = { origin: "https://a.page" };

describe("hot calls", () => {
  let clock: ManualClock;
  let server: TestServer;
  let session: ClientHttp2Session;

  before(readyCrypto);
  beforeEach(async () => {
    clock = manualClock(epochStartMs(FIRST, EPOCH_SECONDS));
    server = await startTestServer(clock);
    session = connect(server.url);
    await recordThrough(server.log, FIRST, FIRST + 1);
  });
  afterEach(async () => {
    session.close();
    await server.stop();
  });

  function call(
    change: Readonly<Record<string, string>> = {},
    body: (frame: Buffer) => Buffer = (frame) => frame,
    epochId = idOf(FIRST),
  ): Promise<RawAnswer> {
    const headers = { ...PAGE, ...change };
    const { stream, frame } = openRawCall(session, PROCEDURE, GetEpochRequestSchema, { epochId }, clock, headers);
    return rawAnswer(stream, body(frame));
  }

  /** Only the usual way says what browsers want to hear. */
  const isHot = ({ headers }: RawAnswer): boolean => headers["access-control-allow-origin"] === undefined;

  async function warmUp(): Promise<void> {
    assert.equal(isHot(await call()), false);
  }

  it("answers from memory what was asked for before, the same as the usual way", async () => {
    const usual = await call();
    const hot = await call();
    assert.deepEqual([isHot(usual), isHot(hot)], [false, true]);
    assert.deepEqual([usual.status, hot.status], ["ok", "ok"]);
    assert.equal(hex(hot.body), hex(usual.body));
    const { record } = fromBinary(GetEpochResponseSchema, hot.body.subarray(5));
    assert.equal(hex(record?.payload ?? new Uint8Array()), hex(epochRecord(FIRST).payload));
  });

  it("does not answer the newest from memory once another is the newest", async () => {
    const newest = async (): Promise<string> => hex((await call({}, undefined, "")).body);
    const [first, again] = [await newest(), await newest()];
    assert.equal(again, first);
    await recordThrough(server.log, FIRST + 2, FIRST + 2);
    assert.notEqual(await newest(), first);
  });

  it("lets nobody in whom the usual way would not let in", async () => {
    await warmUp();
    const refusals = {
      UNAUTHENTICATED_CALL: call({ "zipnet-signature": "" }),
      SIGNATURE_INVALID: call({ "zipnet-nonce": `${clock.now()}000001` }),
      WRONG_RECEIVER: call({ "zipnet-receiver": "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY" }),
      // The signature covers no flag that asks for more.
      BODY_ALTERED: call({}, () => Buffer.from("0000000000", "hex"), idOf(FIRST)),
    };
    for (const [reason, refused] of Object.entries(refusals)) assert.equal((await refused).status, reason);
  });

  it("refuses a call that was made before", async () => {
    await warmUp();
    const { stream, frame } = openRawCall(session, PROCEDURE, GetEpochRequestSchema, { epochId: idOf(FIRST) }, clock);
    const { sentHeaders } = stream;
    assert.equal((await rawAnswer(stream, frame)).status, "ok");
    const again = session.request(Object.fromEntries(Object.entries(sentHeaders)));
    assert.equal((await rawAnswer(again, frame)).status, "REPLAYED_CALL");
  });

  it("leaves what is out of the ordinary to the usual way, with all of its body", async () => {
    await warmUp();
    const padded = (frame: Buffer): Buffer => Buffer.concat([frame, Buffer.alloc(3_000)]);
    for (const answer of [
      await call({ "grpc-encoding": "gzip" }),
      await call({}, padded),
      await call({}, (frame) => frame.subarray(0, -1)),
      await call({ "content-type": "application/grpc-web+proto" }),
      await call({}, undefined, idOf(FIRST + 5)),
    ]) {
      assert.equal(isHot(answer), false);
    }
    assert.equal((await call({}, undefined, idOf(FIRST + 5))).status, "EPOCH_UNKNOWN");
    assert.equal(isHot(await call()), true, "and is still there for others");
  });
});
