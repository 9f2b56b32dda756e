import assert from "node:assert/strict";
import { verifySr25519 } from "../../adapters/wallet/wallet.js";
import { decodeCatalogue } from "../../core/catalogue.js";
import { epochIdOf } from "../../core/epoch-time.js";
import { sha256Hex } from "../../core/hash.js";
import type { Signer } from "../../core/ports.js";
import { openRecord, payloadSha256 } from "../../core/signed-record.js";
import { CatalogueChoiceSchema, SettlementSchema } from "../../gen/zipnet/v1/calibration_pb.js";
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import { FIRST_EPOCH, LENGTH_SECONDS } from "../keeper/world.test-support.js";
import { type ServerRig, startRig } from "../rig.test-support.js";
import { reportOn } from "./judged-world.test-support.js";

describe("a server that calibrates", () => {
  let rig: ServerRig;
  before(async () => {
    rig = await startRig({ calibrateEveryEpochs: 1 });
  });
  after(() => rig.stop());

  async function publish(epoch: Epoch, validator: Signer, listings: number): Promise<void> {
    const { judging } = rig.clients(validator);
    const { record: snapshot } = await judging.getSnapshot({ epochId: epoch.id });
    assert.ok(snapshot !== undefined);
    const report = reportOn(epoch, validator, listings, payloadSha256(snapshot));
    await judging.publishReport({ report });
  }

  it("announces the catalogue of the next epoch ahead, hands it out, and draws from it", async () => {
    const { info } = rig.clients(rig.alice);
    const first = await rig.openEpoch(FIRST_EPOCH);
    await rig.closeEpoch(first);
    for (const validator of [rig.vera, rig.vito]) await publish(first, validator, 140);
    const last = FIRST_EPOCH + 3;
    for (let number = FIRST_EPOCH + 1; number <= last; number += 1) await rig.openEpoch(number);

    const nextId = epochIdOf((last + 1) * LENGTH_SECONDS * 1000);
    await rig.clock.advanceTo(last * LENGTH_SECONDS * 1000 + 10_000);
    let told = await info.getServerInfo({});
    while (told.catalogueEpochId !== nextId) told = await info.getServerInfo({});
    assert.ok(rig.clock.now() < (last + 1) * LENGTH_SECONDS * 1000, "before the epoch starts");
    assert.notEqual(told.catalogueSha256, rig.parts.catalogue.sha256);
    const answer = await fetch(`${rig.url}/catalogues/${told.catalogueSha256}`);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    assert.equal(sha256Hex(bytes), told.catalogueSha256);

    const { judging } = rig.clients(rig.bob);
    const { choice } = await judging.getCalibration({ epochId: nextId });
    assert.ok(choice !== undefined);
    const opened = openRecord(CatalogueChoiceSchema, choice, verifySr25519, rig.parts.signer.hotkey);
    assert.deepEqual([opened.catalogueSha256, opened.learnedEpochIds], [told.catalogueSha256, [first.id]]);
    const { settlement } = await judging.getCalibration({ epochId: first.id });
    assert.ok(settlement !== undefined);
    const settled = openRecord(SettlementSchema, settlement, verifySr25519, rig.parts.signer.hotkey);
    assert.equal(settled.zipCodes.length, first.zipCodes.length);
    assert.ok(settled.reports.every(({ agrees }) => agrees) && settled.reports.length === 2);

    const next = await rig.openEpoch(last + 1);
    assert.equal(next.catalogueSha256, told.catalogueSha256);
    const found = new Set(first.zipCodes.map(({ zipCode }) => zipCode));
    const expected = new Map(
      decodeCatalogue(bytes).entries.map(({ zipCode, expectedListings }) => [zipCode, expectedListings]),
    );
    for (const [zipCode, listings] of expected) assert.equal(listings, found.has(zipCode) ? 120 : 100);
    for (const { zipCode, expectedListings } of next.zipCodes) assert.equal(expectedListings, expected.get(zipCode));
  });
});
