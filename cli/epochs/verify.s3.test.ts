import assert from "node:assert/strict";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { s3Objects } from "../../adapters/objects/s3/s3-objects.js";
import { readSettings } from "../../adapters/settings/settings.js";
import { signerFromUri, verifySr25519 } from "../../adapters/wallet/wallet.js";
import { epochIdOf } from "../../core/epoch-time.js";
import { RECORD_CONTENT_TYPE, snapshotKey } from "../../core/object-keys.js";
import { FIRST_EPOCH, LENGTH_SECONDS, keeperWorld } from "../../server/keeper/world.test-support.js";
import { radosgwMissing, startRadosgw } from "../../test/parts/radosgw.js";
import { SOURCE_SETTINGS, openNamedSource } from "./open-source.js";
import { verifyEpoch } from "./verify.js";

const missing = radosgwMissing();

(missing === undefined ? describe : describe.skip)(
  `zipnet epoch verify, of an S3 bucket${missing === undefined ? "" : `: ${missing}`}`,
  function () {
    this.timeout(180_000);

    it("says VERIFIED of the newest epoch, its snapshot and the choice of its catalogue included", async () => {
      const world = await keeperWorld();
      const keeper = world.start();
      const closedId = epochIdOf((FIRST_EPOCH + 1) * LENGTH_SECONDS * 1000);
      await world.runUntil(() => world.store.content.has(snapshotKey(closedId)));
      await keeper.kill();
      const gateway = await startRadosgw();
      assert.ok(!("missing" in gateway));
      try {
        const bucket = s3Objects(gateway.settings, systemClock);
        for (const [key, bytes] of world.store.content) await bucket.putIfAbsent(key, bytes, RECORD_CONTENT_TYPE);
        const { hotkey: serverHotkey } = signerFromUri("//Server");
        const settings = readSettings(SOURCE_SETTINGS, { ZIPNET_OBJECTS: gateway.url });
        const signal = AbortSignal.timeout(60_000);
        const source = await openNamedSource(settings, signal);
        const deployment = { network: "local", netuid: 1, serverHotkey };
        const verification = { source, chain: world.chain, verify: verifySr25519, ...deployment };
        assert.deepEqual((await verifyEpoch(verification, "", signal)).differences, []);
        const closed = await verifyEpoch(verification, closedId, signal);
        assert.deepEqual([closed.differences, closed.submissions], [[], 0]);
        assert.ok((await source.choice(closedId)) !== undefined);
      } finally {
        await gateway.stop();
      }
    });
  },
);
