import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { type ManualClock, manualClock } from "../../adapters/clock/manual-clock.js";
import { readyCrypto, verifySr25519 } from "../../adapters/wallet/wallet.js";
import { hexToBytes, sha256Hex } from "../../core/hash.js";
import type { ErrorReason } from "../../core/errors.js";
import { EpochService, GetEpochRequestSchema } from "../../gen/zipnet/v1/epoch_service_pb.js";
import { AUTH_HEADERS, authHeaders, nextNonce } from "./auth.js";
import type { ServerAuth } from "./auth-check.js";
import { epochStartMs } from "../../core/epoch-time.js";
import { fromConnectError } from "../errors.js";
import {
  EPOCH_SECONDS,
  FIRST,
  NETUID,
  NETWORK,
  type TestServer,
  idOf,
  keys,
  logOver,
  recordThrough,
  startTestServer,
} from "../kit.test-support.js";
import { ROLES } from "./roles.js";

const PROCEDURE = "/zipnet.v1.EpochService/GetEpoch";
const NOW_MS = epochStartMs(FIRST, EPOCH_SECONDS);

interface Call {
  readonly key?: Parameters<typeof keys>[0];
  readonly procedure?: string;
  readonly signedEpochId?: string;
  readonly receiver?: string;
  readonly network?: string;
  readonly nonce?: bigint;
  readonly change?: Record<string, string | undefined>;
}

describe("request signatures", () => {
  let clock: ManualClock;
  let server: TestServer;
  let client: Client<typeof EpochService>;
  let lastNonce = 0n;

  before(readyCrypto);
  beforeEach(() => start());
  afterEach(() => server.stop());

  async function start(auth: Partial<ServerAuth> = {}): Promise<void> {
    clock = manualClock(NOW_MS);
    const log = logOver(clock);
    await recordThrough(log, FIRST, FIRST);
    server = await startTestServer(clock, { log, auth });
    client = createClient(EpochService, createConnectTransport({ baseUrl: server.url, httpVersion: "1.1" }));
  }

  function headersOf(call: Call = {}): Record<string, string> {
    lastNonce += 1n;
    const headers = authHeaders({
      procedure: call.procedure ?? PROCEDURE,
      requestBytes: toBinary(
        GetEpochRequestSchema,
        create(GetEpochRequestSchema, { epochId: call.signedEpochId ?? "" }),
      ),
      signer: keys(call.key ?? "miner"),
      scope: { receiver: call.receiver ?? keys("server").hotkey, network: call.network ?? NETWORK, netuid: NETUID },
      nonce: call.nonce ?? BigInt(clock.now()) * 1_000_000n + lastNonce,
    });
    for (const [name, value] of Object.entries(call.change ?? {})) {
      if (value === undefined) delete headers[name];
      else headers[name] = value;
    }
    return headers;
  }

  async function assertRefused(reason: ErrorReason, code: Code, text: RegExp, headers: Record<string, string>) {
    await assert.rejects(client.getEpoch({}, { headers }), (error) => {
      const meant = fromConnectError(error);
      assert.equal(meant.reason, reason, meant.message);
      assert.equal(ConnectError.from(error).code, code);
      assert.match(meant.message, text);
      return true;
    });
  }

  it("is the text that the documentation states", () => {
    const signer = keys("miner");
    const receiver = keys("server").hotkey;
    const headers = authHeaders({
      procedure: PROCEDURE,
      requestBytes: new Uint8Array(),
      signer,
      scope: { receiver, network: "local", netuid: 46 },
      nonce: 1_763_812_800_000_000_001n,
    });
    const text = [
      "zipnet-auth/1",
      "sr25519",
      "/zipnet.v1.EpochService/GetEpoch",
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "1763812800000000001",
      signer.hotkey,
      receiver,
      "local",
      "46",
    ].join("\n");
    const signature = hexToBytes(headers["zipnet-signature"] ?? "");
    assert.ok(verifySr25519(new TextEncoder().encode(text), signature, signer.hotkey));
    assert.equal(headers["zipnet-body-sha256"], sha256Hex(new Uint8Array()));
  });

  it("lets a well signed call of a registered hotkey in", async () => {
    assert.ok((await client.getEpoch({}, { headers: headersOf() })).record);
    const signed = headersOf({ signedEpochId: idOf(FIRST) });
    assert.ok((await client.getEpoch({ epochId: idOf(FIRST) }, { headers: signed })).record);
  });

  it("refuses an unsigned call", async () => {
    await assertRefused("UNAUTHENTICATED_CALL", Code.Unauthenticated, /zipnet-auth-version is missing/, {});
  });

  for (const name of Object.values(AUTH_HEADERS).filter((header) => header !== AUTH_HEADERS.session)) {
    it(`names ${name} when it is missing or malformed`, async () => {
      const missing = headersOf({ change: { [name]: undefined } });
      await assertRefused("UNAUTHENTICATED_CALL", Code.Unauthenticated, new RegExp(`${name} is missing`), missing);
      const malformed = headersOf({ change: { [name]: "nonsense" } });
      await assertRefused("UNAUTHENTICATED_CALL", Code.Unauthenticated, new RegExp(`${name} is "nonsense"`), malformed);
    });
  }

  it("refuses a call that is signed for another receiver", async () => {
    const headers = headersOf({ receiver: keys("validator").hotkey });
    await assertRefused("WRONG_RECEIVER", Code.Unauthenticated, new RegExp(keys("server").hotkey), headers);
  });

  it("refuses a call that is signed for another network, procedure, sender or nonce", async () => {
    const refused: Call[] = [
      { network: "finney" },
      { procedure: "/zipnet.v1.EpochService/ListEpochs" },
      { change: { [AUTH_HEADERS.hotkey]: keys("validator").hotkey } },
      { change: { [AUTH_HEADERS.nonce]: `${clock.now()}000001` } },
      { change: { [AUTH_HEADERS.signature]: "0".repeat(128) } },
      { change: { [AUTH_HEADERS.bodySha256]: "0".repeat(64) } },
    ];
    for (const call of refused) {
      await assertRefused("SIGNATURE_INVALID", Code.Unauthenticated, /network "local" and netuid 46/, headersOf(call));
    }
  });

  it("refuses a stale and an early call, with both times", async () => {
    for (const offMs of [-5_001, 5_001]) {
      const nonce = BigInt(NOW_MS + offMs) * 1_000_000n;
      const times = new RegExp(`${new Date(NOW_MS + offMs).toISOString()}.*${new Date(NOW_MS).toISOString()}`);
      await assertRefused("CLOCK_DIFFERENCE", Code.Unauthenticated, times, headersOf({ nonce }));
    }
    await assert.rejects(client.getEpoch({}, { headers: headersOf({ nonce: 1n }) }), (error) => {
      assert.equal(fromConnectError(error).metadata["server_time_ms"], String(NOW_MS));
      return true;
    });
    for (const offMs of [-5_000, 5_000]) {
      await client.getEpoch({}, { headers: headersOf({ nonce: BigInt(NOW_MS + offMs) * 1_000_000n }) });
    }
  });

  it("refuses an altered message", async () => {
    const headers = headersOf({ signedEpochId: idOf(FIRST) });
    await assertRefused("BODY_ALTERED", Code.Unauthenticated, /was signed/, headers);
  });

  it("refuses a replayed call, for as long as its nonce would be accepted", async () => {
    const early = headersOf({ nonce: BigInt(NOW_MS + 5_000) * 1_000_000n });
    await client.getEpoch({}, { headers: early });
    await clock.advanceTo(NOW_MS + 10_000);
    await assertRefused("REPLAYED_CALL", Code.Unauthenticated, /sign every call anew/, early);
  });

  it("refuses everything signed while the cache is out of reach", async () => {
    server.cache.isDown = true;
    await assertRefused("UNAVAILABLE", Code.Unavailable, /cannot be checked/, headersOf());
  });

  it("refuses hotkeys that are not registered", async () => {
    const { hotkey } = keys("stranger");
    const text = new RegExp(`${hotkey} is not registered on netuid 46 of "local"`);
    await assertRefused("NOT_REGISTERED", Code.PermissionDenied, text, headersOf({ key: "stranger" }));
  });

  it("refuses a role that the procedure is not for, and names the one it is for", async () => {
    const table = ROLES as Record<string, (typeof ROLES)[string]>;
    const before = table[PROCEDURE];
    table[PROCEDURE] = ["validator"];
    try {
      const text = new RegExp(`${PROCEDURE} is for validator; ${keys("miner").hotkey} is miner`);
      await assertRefused("ROLE_NOT_ALLOWED", Code.PermissionDenied, text, headersOf());
      await client.getEpoch({}, { headers: headersOf({ key: "validator" }) });
    } finally {
      if (before !== undefined) table[PROCEDURE] = before;
    }
  });

  it("counts calls only after their signatures, and says when to try again", async () => {
    await server.stop();
    await start({ maxCallsPerMinute: { miner: 2, validator: 4, owner: 4 } });
    const forged = { change: { [AUTH_HEADERS.signature]: "0".repeat(128) } };
    for (let i = 0; i < 3; i += 1) {
      await assertRefused("SIGNATURE_INVALID", Code.Unauthenticated, /./, headersOf(forged));
    }
    await client.getEpoch({}, { headers: headersOf() });
    await client.getEpoch({}, { headers: headersOf() });
    const seconds = Math.ceil((60_000 - (NOW_MS % 60_000)) / 1000);
    const text = new RegExp(`more than 2 calls in this minute; try again in ${seconds} s`);
    await assertRefused("QUOTA_EXCEEDED", Code.ResourceExhausted, text, headersOf());
    await client.getEpoch({}, { headers: headersOf({ key: "validator" }) });
    await clock.advanceTo(NOW_MS + seconds * 1000);
    await client.getEpoch({}, { headers: headersOf() });
  });

  it("follows a clock that was set back", () => {
    const signer = { ...keys("miner") };
    nextNonce(signer, manualClock(200_000));
    assert.equal(nextNonce(signer, manualClock(100_000)) / 1_000_000n, 100_000n);
  });

  it("signs with strictly increasing nonces while the clock stands still or goes back", () => {
    const signer = { ...keys("miner") };
    const nonces = [5_000, 5_000, 4_000, 6_000].map((timeMs) => nextNonce(signer, manualClock(timeMs)));
    for (let i = 1; i < nonces.length; i += 1) assert.ok((nonces[i] ?? 0n) > (nonces[i - 1] ?? 0n));
  });
});
