/** What the tests on the open epoch work with: a submission that lacks nothing but its finalize call. */
import assert from "node:assert/strict";
import type { Epoch } from "../../../gen/zipnet/v1/epoch_pb.js";
import type { SignedRecord } from "../../../gen/zipnet/v1/record_pb.js";
import type { ManifestObject } from "../../../gen/zipnet/v1/submission_pb.js";
import { signedManifest, upload } from "../../../server/rig.test-support.js";
import type { Cast, TestedServer, World } from "./world.test-support.js";

export interface Play {
  readonly server: TestedServer;
  readonly cast: Cast;
  /** The open epoch. */
  readonly epoch: Epoch;
  /** What swift has uploaded. */
  readonly files: readonly ManifestObject[];
  /** swift's manifest of it, which could be finalized. */
  readonly manifest: SignedRecord;
  /** Asserts that what happens meanwhile leaves nothing behind: no object, record or progress, and none that changed. */
  harmless(happening: () => Promise<unknown>): Promise<void>;
}

/** A zip code of an epoch, counted from 0. */
export function zipCodeOf(epoch: Epoch, index: number): string {
  return epoch.zipCodes[index]?.zipCode ?? assert.fail(`the epoch has no zip code ${index}`);
}

/** Sets the stage for the open epoch of a server. */
export async function openPlay({ cast }: World, server: TestedServer): Promise<Play> {
  const epoch = await server.newestEpoch();
  const texts = { [zipCodeOf(epoch, 0)]: "swift's first", [zipCodeOf(epoch, 1)]: "swift's second" };
  const files = await upload(server.clients(cast.swift), epoch, cast.swift.hotkey, texts);
  const miners = [cast.swift, cast.steady, cast.validator, cast.smallValidator, cast.unpermitted];
  return {
    server,
    cast,
    epoch,
    files,
    manifest: signedManifest(epoch, cast.swift, files),
    async harmless(happening) {
      const before = await server.effects(epoch.id, miners);
      assert.ok(before.files.size > 0, "there is something to compare");
      await happening();
      assert.deepEqual(await server.effects(epoch.id, miners), before);
    },
  };
}
