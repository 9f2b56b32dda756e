/**
 * Every kind of bad input, against real programs: each is refused with a code, a reason and a sentence that helps, and
 * none leaves anything behind.
 */
import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import { verifySr25519 } from "../../adapters/wallet/wallet.js";
import { openRecord, payloadSha256 } from "../../core/signed-record.js";
import { ReceiptSchema } from "../../gen/zipnet/v1/submission_pb.js";
import { signedManifest, specOf } from "../../server/rig.test-support.js";
import { badCalls } from "./bad-input/calls.test-support.js";
import { tooLate } from "./bad-input/closing.test-support.js";
import { badEpochs } from "./bad-input/epochs.test-support.js";
import { type Play, openPlay } from "./bad-input/play.test-support.js";
import { refused } from "./bad-input/refused.test-support.js";
import { badSubmissions } from "./bad-input/submissions.test-support.js";
import { badUploads } from "./bad-input/uploads.test-support.js";
import { World } from "./bad-input/world.test-support.js";
import { missingPart } from "./testbed.js";

const missing = missingPart();

(missing === undefined ? describe : describe.skip)(
  `bad input to a running server${missing === undefined ? "" : ` (${missing})`}`,
  function () {
    this.timeout(60_000);
    let world: World;
    let play: Play;
    before(async () => {
      world = await World.create();
      play = await openPlay(world, world.server);
    });
    after(() => world[Symbol.asyncDispose]());

    describe("a call", () => badCalls(() => play));
    describe("an upload", () => badUploads(() => play));
    describe("a miner", () => badSubmissions(() => play));
    describe("a caller asks for", () => badEpochs(() => play));
    describe("it is too late", () => tooLate(() => world));

    describe("after all that", () => {
      it("the same miner's correct call is answered with a receipt", async () => {
        const { server, cast, manifest, epoch } = play;
        const { receipt } = await server.clients(cast.swift).submissions.finalizeSubmission({ manifest });
        const opened = openRecord(ReceiptSchema, receipt ?? assert.fail(), verifySr25519, server.owner.hotkey);
        assert.deepEqual(
          [opened.epochId, opened.hotkey, opened.manifestSha256, opened.position],
          [epoch.id, cast.swift.hotkey, payloadSha256(manifest), 1],
        );
      });

      it("a second, other manifest and more grants are refused, and the same manifest gets the same receipt", async () => {
        const { server, cast, epoch, files, manifest, harmless } = play;
        const { submissions } = server.clients(cast.swift);
        const finalized = { code: Code.FailedPrecondition, reason: "ALREADY_FINALIZED" } as const;
        const other = signedManifest(epoch, cast.swift, files.slice(1));
        await harmless(async () => {
          const metadata = await refused(submissions.finalizeSubmission({ manifest: other }), {
            ...finalized,
            says: [epoch.id, payloadSha256(manifest), payloadSha256(other), "go on with the next epoch"],
          });
          assert.equal(metadata.manifest_sha256, payloadSha256(manifest));
          const asked = { epochId: epoch.id, objects: files.map(specOf) };
          await refused(submissions.createUploadGrants(asked), {
            ...finalized,
            says: [epoch.id, "go on with the next epoch"],
          });
          const { receipt } = await submissions.finalizeSubmission({ manifest });
          assert.deepEqual(receipt, (await submissions.getSubmission({ epochId: epoch.id })).receipt);
        });
      });
    });
  },
);
