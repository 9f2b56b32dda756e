/** Calls that must not get as far as their handlers: each would do something if it did. */
import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import { systemClock } from "../../../adapters/clock/system-clock.js";
import { signerFromUri } from "../../../adapters/wallet/wallet.js";
import { walletOf } from "../../../cli/demo/network.js";
import type { Clock, Signer } from "../../../core/ports.js";
import { EpochService } from "../../../gen/zipnet/v1/epoch_service_pb.js";
import { type SignedRecord } from "../../../gen/zipnet/v1/record_pb.js";
import { ProgressPhase } from "../../../gen/zipnet/v1/submission_pb.js";
import { SubmissionService } from "../../../gen/zipnet/v1/submission_service_pb.js";
import { AUTH_HEADERS, authHeaders } from "../../../rpc/auth/auth.js";
import type { Clients } from "../../../rpc/client/client.js";
import { signedManifest } from "../../../server/rig.test-support.js";
import type { Play } from "./play.test-support.js";
import { altered, callWith, goodHeaders } from "./raw-calls.test-support.js";
import { reportOf } from "./reports.test-support.js";
import { type Refusal, firstOf, refused } from "./refused.test-support.js";
import { NETUID, NETWORK } from "./world.test-support.js";

const FINALIZE = SubmissionService.method.finalizeSubmission;
const PROGRESS = SubmissionService.method.reportProgress;
const MINUTE_MS = 60_000;

/** Asserts that a participant's finalize, progress and stream are refused alike. */
async function everythingRefused(clients: Clients, manifest: SignedRecord, refusal: Refusal): Promise<void> {
  const progress = { epochId: "20261122T000000Z", phase: ProgressPhase.SCRAPING };
  await refused(clients.submissions.finalizeSubmission({ manifest }), refusal);
  await refused(clients.submissions.reportProgress({ progress }), refusal);
  await refused(firstOf(clients.epochs.watchEpochs({})), refusal);
}

/** Tests within a describe. */
export function badCalls(play: () => Play): void {
  signatures(play);
  times(play);
  callers(play);
  bodies(play);
}

function signatures(play: () => Play): void {
  it("without a signature, or with a header that is missing or malformed", async () => {
    const { server, cast, manifest, harmless } = play();
    await harmless(async () => {
      const request = { manifest };
      const good = goodHeaders(server, cast.swift, FINALIZE, request);
      const says = [/^this call must be signed/, /\bmust be\b/];
      const refusal = { code: Code.Unauthenticated, reason: "UNAUTHENTICATED_CALL" } as const;
      await refused(callWith(server, FINALIZE, {}, request), { ...refusal, says: [...says, "is missing"] });
      for (const name of Object.values(AUTH_HEADERS)) {
        // Only a call in a session has it.
        if (name === AUTH_HEADERS.session) continue;
        const missing = Object.fromEntries(Object.entries(good).filter(([other]) => other !== name));
        await refused(callWith(server, FINALIZE, missing, request), {
          ...refusal,
          says: [...says, name, "is missing"],
        });
        const malformed = { ...good, [name]: "what?" };
        await refused(callWith(server, FINALIZE, malformed, request), { ...refusal, says: [...says, name, '"what?"'] });
      }
      const stream = server.transport.stream(
        EpochService.method.watchEpochs,
        undefined,
        30_000,
        {},
        (async function* () {
          yield {};
        })(),
      );
      await refused(
        stream.then(({ message }) => firstOf(message)),
        { ...refusal, says },
      );
    });
  });

  it("with a signature that is not the sender's, or over another call", async () => {
    const { server, cast, manifest, harmless } = play();
    const request = { manifest };
    const good = goodHeaders(server, cast.swift, FINALIZE, request);
    const wrong = {
      "one digit differs": { [AUTH_HEADERS.signature]: altered(good[AUTH_HEADERS.signature] ?? "") },
      "signed by another": {
        [AUTH_HEADERS.signature]:
          goodHeaders(server, cast.steady, FINALIZE, request)[AUTH_HEADERS.signature] ?? assert.fail(),
      },
      "another sender": { [AUTH_HEADERS.hotkey]: cast.steady.hotkey },
      "another nonce": { [AUTH_HEADERS.nonce]: `${BigInt(good[AUTH_HEADERS.nonce] ?? 0) + 1n}` },
      "another body's hash": { [AUTH_HEADERS.bodySha256]: altered(good[AUTH_HEADERS.bodySha256] ?? "") },
      "signed for another procedure": goodHeaders(server, cast.swift, PROGRESS, {}),
    };
    await harmless(async () => {
      for (const change of Object.values(wrong)) {
        const hotkey = (change as Record<string, string>)[AUTH_HEADERS.hotkey] ?? cast.swift.hotkey;
        await refused(callWith(server, FINALIZE, { ...good, ...change }, request), {
          code: Code.Unauthenticated,
          reason: "SIGNATURE_INVALID",
          says: [
            hotkey,
            "FinalizeSubmission",
            `network "${NETWORK}"`,
            `netuid ${NETUID}`,
            "sign the lines of zipnet-auth/1",
          ],
        });
      }
    });
  });

  it("with another message than was signed", async () => {
    const { server, cast, epoch, files, manifest, harmless } = play();
    const good = goodHeaders(server, cast.swift, FINALIZE, { manifest });
    const other = signedManifest(epoch, cast.swift, files.slice(0, 1));
    await harmless(() =>
      refused(callWith(server, FINALIZE, good, { manifest: other }), {
        code: Code.Unauthenticated,
        reason: "BODY_ALTERED",
        says: ["SHA-256", good[AUTH_HEADERS.bodySha256] ?? "", "sign the message"],
      }),
    );
  });

  it("for another receiver, network or subnet", async () => {
    const { server, cast, manifest, harmless } = play();
    const code = Code.Unauthenticated;
    await harmless(async () => {
      const elsewhere = server.clientsWith(cast.swift, { receiver: cast.steady.hotkey });
      const metadata = await refused(elsewhere.submissions.finalizeSubmission({ manifest }), {
        code,
        reason: "WRONG_RECEIVER",
        says: [cast.steady.hotkey, server.owner.hotkey, "GetServerInfo"],
      });
      assert.equal(metadata.receiver, server.owner.hotkey);
      for (const change of [{ network: "test" }, { netuid: 2 }]) {
        const says = [cast.swift.hotkey, `network "${NETWORK}"`, `netuid ${NETUID}`];
        await everythingRefused(server.clientsWith(cast.swift, change), manifest, {
          code,
          reason: "SIGNATURE_INVALID",
          says,
        });
      }
    });
  });
}

function times(play: () => Play): void {
  it("a second time", async () => {
    const { server, cast, epoch, harmless } = play();
    const progressOf = (zipCodesDone: number) => ({
      progress: { epochId: epoch.id, phase: ProgressPhase.SCRAPING, zipCodesDone, zipCodesTotal: 9 },
    });
    const first = progressOf(1);
    const headers = goodHeaders(server, cast.steady, PROGRESS, first);
    await callWith(server, PROGRESS, headers, first);
    await server.clients(cast.steady).submissions.reportProgress(progressOf(2));
    await harmless(() =>
      refused(callWith(server, PROGRESS, headers, first), {
        code: Code.Unauthenticated,
        reason: "REPLAYED_CALL",
        says: [headers[AUTH_HEADERS.nonce] ?? "", "sign every call anew"],
      }),
    );
    const { progress } = await server.clients(cast.steady).submissions.getSubmission({ epochId: epoch.id });
    assert.equal(progress?.zipCodesDone, 2);
  });

  it("from a clock that is behind or ahead", async () => {
    const { server, manifest, harmless } = play();
    await harmless(async () => {
      for (const offsetMs of [-MINUTE_MS, MINUTE_MS]) {
        const clock: Clock = { ...systemClock, now: () => systemClock.now() + offsetMs };
        const refusal: Refusal = {
          code: Code.Unauthenticated,
          reason: "CLOCK_DIFFERENCE",
          says: [/caller's clock/, /\d{4}-\d\d-\d\dT.*\d{4}-\d\d-\d\dT/, "30000 ms", "Set the caller's clock"],
        };
        // Another signer of the same key: one signer's nonces only rise, whatever the clock says.
        const clients = server.clientsWith(signerFromUri(walletOf("swift")), { clock });
        const metadata = await refused(clients.submissions.finalizeSubmission({ manifest }), refusal);
        assert.ok(Math.abs(Number(metadata.difference_ms) - offsetMs) < 10_000, metadata.difference_ms);
        assert.ok(Math.abs(Number(metadata.server_time_ms) - systemClock.now()) < 10_000);
        await everythingRefused(clients, manifest, refusal);
      }
    });
  });
}

function callers(play: () => Play): void {
  it("by a hotkey that is not registered", async () => {
    const { server, cast, epoch, files, harmless } = play();
    const { stranger } = cast;
    await harmless(() =>
      everythingRefused(server.clients(stranger), signedManifest(epoch, stranger, files), {
        code: Code.PermissionDenied,
        reason: "NOT_REGISTERED",
        says: [stranger.hotkey, `netuid ${NETUID}`, `"${NETWORK}"`, /register/],
      }),
    );
  });

  it("by a miner, or by a validator without permit or with too little stake, for what validators get", async () => {
    const { server, cast, epoch, harmless } = play();
    const facts: readonly (readonly [Signer, string])[] = [
      [cast.swift, "0 TAO"],
      [cast.unpermitted, "999 TAO"],
      [cast.smallValidator, "2000 TAO"],
    ];
    await harmless(async () => {
      for (const [signer, stake] of facts) {
        const { judging } = server.clients(signer);
        const refusal: Refusal = {
          code: Code.PermissionDenied,
          reason: "ROLE_NOT_ALLOWED",
          says: [
            signer.hotkey,
            "validator",
            stake,
            signer === cast.smallValidator ? "and a validator permit," : "and no validator permit,",
            "5000 TAO",
          ],
        };
        const metadata = await refused(judging.getSnapshot({ epochId: epoch.id }), refusal);
        assert.equal(metadata.needed_roles, "validator");
        await refused(judging.createDownloadGrants({ epochId: epoch.id }), refusal);
        await refused(judging.publishReport({ report: reportOf(epoch, signer) }), refusal);
      }
    });
  });
}

function bodies(play: () => Play): void {
  it("with a message that is too large", async () => {
    const { server, cast, manifest, harmless } = play();
    const padded = { manifest: { ...manifest, payload: new Uint8Array(17 * 1024 * 1024) } };
    // Refused before anything but the headers counts, so the headers are those of a message that could be hashed sooner.
    const headers = goodHeaders(server, cast.swift, FINALIZE, { manifest });
    await harmless(async () => {
      const metadata = await refused(callWith(server, FINALIZE, headers, padded), {
        code: Code.ResourceExhausted,
        reason: "REQUEST_TOO_LARGE",
        says: [/has 1782\d{4} bytes/, "16777216", "send less", "GetServerInfo"],
      });
      assert.equal(metadata.max_request_bytes, "16777216");
    });
  });

  it("with bytes that are no message, to a place that is no procedure, or with a verb that is no call", async () => {
    const { server, cast, harmless } = play();
    const path = `${server.url}/zipnet.v1.SubmissionService/FinalizeSubmission`;
    const post = async (contentType: string, body: string, url = path, method = "POST"): Promise<string> => {
      const signed = authHeaders({
        procedure: "/zipnet.v1.SubmissionService/FinalizeSubmission",
        requestBytes: new TextEncoder().encode(body),
        signer: cast.swift,
        scope: { receiver: server.owner.hotkey, network: NETWORK, netuid: NETUID },
        nonce: BigInt(systemClock.now()) * 1_000_000n,
      });
      const headers = { ...signed, "content-type": contentType };
      const answer = await fetch(url, { method, headers, ...(method === "GET" ? {} : { body }) });
      const text = await answer.text();
      assert.doesNotMatch(text, /\n\s+at |\/dist\//);
      return `${answer.status} ${text}`;
    };
    await harmless(async () => {
      assert.match(await post("application/proto", "\u0001\u0002 no message"), /^500 .*parse binary/);
      assert.match(await post("application/json", '{"manifest":'), /^400 .*invalid_argument/);
      assert.match(await post("application/json", '{"manifest":5}'), /^400 .*invalid_argument.*SignedRecord/);
      assert.match(await post("text/html", "<p>"), /^415/);
      assert.match(await post("application/json", "{}", `${path}s`), /^404/);
      assert.match(await post("application/json", "{}", path, "GET"), /^405/);
      assert.match(await post("application/json", "{}", path, "DELETE"), /^405/);
    });
  });
}
