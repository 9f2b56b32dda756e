/** Too late: after the close, and long after it. */
import assert from "node:assert/strict";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { epochIdOf, startMsOfEpochId } from "../../../core/epoch-time.js";
import { payloadSha256 } from "../../../core/signed-record.js";
import type { WatchEpochsResponse } from "../../../gen/zipnet/v1/epoch_service_pb.js";
import type { SignedRecord } from "../../../gen/zipnet/v1/record_pb.js";
import { ProgressPhase } from "../../../gen/zipnet/v1/submission_pb.js";
import type { UploadGrant } from "../../../gen/zipnet/v1/submission_service_pb.js";
import { fileOf, specOf } from "../../../server/rig.test-support.js";
import { type Play, openPlay, zipCodeOf } from "./play.test-support.js";
import { firstOf, refused } from "./refused.test-support.js";
import { reportOf } from "./reports.test-support.js";
import { expired, grantedPut } from "./uploads.test-support.js";
import type { World } from "./world.test-support.js";

/** Tests within a describe. */
export function tooLate(world: () => World): void {
  let play: Play;
  let late: ReturnType<typeof fileOf>;
  let grant: UploadGrant;
  let tokenOfThen: Uint8Array;
  let snapshotSha256: string;

  const watch = (resumeToken: Uint8Array): Promise<WatchEpochsResponse> =>
    firstOf(play.server.clients(play.cast.swift).epochs.watchEpochs({ resumeToken }));

  before(async () => {
    await world().freshQuickEpoch();
    play = await openPlay(world(), world().quick);
    const { server, cast, epoch } = play;
    late = fileOf(epoch, cast.swift.hotkey, zipCodeOf(epoch, 2), "too late");
    const { submissions } = server.clients(cast.swift);
    const { grants } = await submissions.createUploadGrants({ epochId: epoch.id, objects: [specOf(late.object)] });
    grant = grants[0] ?? assert.fail();
    const closeMs = epoch.closeTime === undefined ? 0 : timestampMs(epoch.closeTime);
    assert.equal(grant.expireTime === undefined ? 0 : timestampMs(grant.expireTime), closeMs, "ends with the epoch");
    tokenOfThen = (await watch(new Uint8Array())).resumeToken;
    assert.equal((await watch(tokenOfThen)).event.case, "started", "the token works while it is kept");
    await world().quickEpoch("epoch_closed", epoch.id);
    const { record } = await server.clients(cast.validator).judging.getSnapshot({ epochId: epoch.id });
    snapshotSha256 = payloadSha256(record ?? assert.fail());
  });

  it("to ask for grants, to upload, to finalize", async () => {
    const { server, cast, epoch, manifest, harmless } = play;
    const { submissions } = server.clients(cast.swift);
    const closed = {
      code: Code.FailedPrecondition,
      reason: "EPOCH_CLOSED",
      says: [epoch.id, /closed at \d{4}-.*seconds ago/, "by the server's clock", "go on with the newest epoch"],
    } as const;
    await harmless(async () => {
      const asked = { epochId: epoch.id, objects: [specOf(late.object)] };
      const metadata = await refused(submissions.createUploadGrants(asked), closed);
      assert.ok(Date.parse(metadata.server_time ?? "") >= Date.parse(metadata.close_time ?? ""));
      await expired(grantedPut(grant, late.content));
      await refused(submissions.finalizeSubmission({ manifest }), closed);
    });
    const held = await submissions.getSubmission({ epochId: epoch.id });
    assert.deepEqual([held.manifest, held.receipt, held.progress], [undefined, undefined, undefined]);
  });

  it("to tell progress, one epoch later", async () => {
    const { server, cast, epoch, harmless } = play;
    const closeMs = epoch.closeTime === undefined ? 0 : timestampMs(epoch.closeTime);
    await world().quickEpoch("epoch_closed", epochIdOf(closeMs));
    const progress = { epochId: epoch.id, phase: ProgressPhase.SCRAPING };
    await harmless(() =>
      refused(server.clients(cast.swift).submissions.reportProgress({ progress }), {
        code: Code.FailedPrecondition,
        reason: "EPOCH_CLOSED",
        says: [epoch.id, "the current and the previous epoch"],
      }),
    );
  });

  it("to follow from a token that is no longer kept, and from the oldest that is it goes on", async () => {
    const startMs = startMsOfEpochId(play.epoch.id) ?? assert.fail();
    const { closeTime } = play.epoch;
    const lengthMs = (closeTime === undefined ? 0 : timestampMs(closeTime)) - startMs;
    await world().quickEpoch("epoch_recorded", epochIdOf(startMs + 2 * lengthMs));
    const metadata = await refused(watch(tokenOfThen), {
      code: Code.OutOfRange,
      reason: "RESUME_TOKEN_TOO_OLD",
      says: [/revision \d+/, "start without one", "the oldest token that works"],
    });
    const oldest = Buffer.from(metadata.oldest_resume_token ?? "", "base64");
    assert.equal((await watch(oldest)).event.case, "started");
  });

  it("to change a report, and none of another snapshot or by another is taken", async () => {
    const { server, cast, epoch, harmless } = play;
    const { judging } = server.clients(cast.validator);
    const publish = (report: SignedRecord) => judging.publishReport({ report });
    const of = (change: Parameters<typeof reportOf>[2] = {}, sha256 = snapshotSha256) =>
      reportOf(epoch, cast.validator, change, sha256);
    const invalid = { code: Code.InvalidArgument, reason: "INVALID_FIELD" } as const;
    const foreign = { code: Code.InvalidArgument, reason: "RECORD_SIGNATURE_INVALID" } as const;
    await harmless(async () => {
      const other = "0".repeat(64);
      const fields = ["table.snapshot_sha256"];
      await refused(publish(of({}, other)), { ...invalid, says: [other, snapshotSha256], fields });
      await refused(publish(of({ netuid: 2 })), { ...invalid, says: ["2", "1"], fields: ["netuid"] });
      const his = of({ validator: cast.swift.hotkey });
      await refused(publish(his), { ...foreign, says: [cast.swift.hotkey, cast.validator.hotkey, "its own"] });
      const byHim = reportOf(epoch, cast.swift, {}, snapshotSha256);
      await refused(publish(byHim), { ...foreign, says: [cast.swift.hotkey, `only ${cast.validator.hotkey}`] });
    });
    await publish(of({ softwareVersion: "0.1.0" }));
    await harmless(() =>
      refused(publish(of({ softwareVersion: "0.2.0" })), {
        code: Code.FailedPrecondition,
        reason: "ALREADY_PUBLISHED",
        says: [epoch.id, "cannot be changed"],
      }),
    );
  });
}
