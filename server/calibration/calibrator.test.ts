import assert from "node:assert/strict";
import { signerFromUri } from "../../adapters/wallet/wallet.js";
import { calibrate } from "../../core/calibration/calibrate.js";
import { decodeCatalogue, encodeCatalogue } from "../../core/catalogue.js";
import { ZipnetError } from "../../core/errors.js";
import { sha256Hex } from "../../core/hash.js";
import { catalogueKey, choiceKey, epochKey, snapshotKey } from "../../core/object-keys.js";
import type { Log, ObjectStore } from "../../core/ports.js";
import { CatalogueReason } from "../../gen/zipnet/v1/calibration_pb.js";
import { quietLog } from "../../test/support/quiet-log.js";
import { FIRST_EPOCH, LENGTH_SECONDS, evenCatalogue, keeperWorld, tenZipCodes } from "../keeper/world.test-support.js";
import {
  CALIBRATED_EPOCH,
  EVERY,
  choiceOf,
  epochOf,
  has,
  idOf,
  runJudged,
  settlementOf,
} from "./judged-world.test-support.js";

/** A log that keeps events with their facts. */
function keptLog(): { log: Log; of: (event: string) => object[] } {
  const kept: { event?: string }[] = [];
  const keep = (facts: object): void => void kept.push(facts);
  return {
    log: { ...quietLog, info: keep, warn: keep, error: keep },
    of: (event) => kept.filter((facts) => facts.event === event),
  };
}

describe("the calibrator", () => {
  it("makes a catalogue of what settled epochs held, chooses it ahead, and every replica draws from it", async () => {
    const world = await keeperWorld();
    const { log, of } = keptLog();
    const replicas = [world, world].map(() => world.start({ calibrateEveryEpochs: EVERY, log }));
    let chosenAtMs = 0;
    await runJudged(world, { "//V": 130, "//W": 130, "//X": 700 }, () => {
      if (chosenAtMs === 0 && has(world, choiceKey(idOf(CALIBRATED_EPOCH)))) chosenAtMs = world.clock.now();
      return has(world, epochKey(idOf(CALIBRATED_EPOCH)));
    });
    for (const replica of replicas) await replica.kill();
    const startMs = CALIBRATED_EPOCH * LENGTH_SECONDS * 1000;
    assert.ok(
      chosenAtMs > 0 && chosenAtMs < startMs - (LENGTH_SECONDS * 1000) / 2,
      "chosen well before its first epoch",
    );

    const imported = evenCatalogue(60);
    for (let number = FIRST_EPOCH; number < CALIBRATED_EPOCH; number += 1) {
      assert.equal(epochOf(world, number).catalogueSha256, imported.sha256);
      const { reason } = choiceOf(world, number);
      assert.equal(reason, number === FIRST_EPOCH ? CatalogueReason.OWNER : CatalogueReason.UNCHANGED);
    }
    const choice = choiceOf(world, CALIBRATED_EPOCH);
    const learnedFrom = [FIRST_EPOCH, FIRST_EPOCH + 1, FIRST_EPOCH + 2];
    assert.equal(choice.reason, CatalogueReason.CALIBRATED);
    assert.deepEqual(choice.learnedEpochIds, learnedFrom.map(idOf));
    assert.deepEqual([choice.previousSha256, choice.importedSha256], [imported.sha256, imported.sha256]);
    assert.equal(epochOf(world, CALIBRATED_EPOCH).catalogueSha256, choice.catalogueSha256);
    assert.equal(replicas[0]?.catalogues.newestChoice()?.catalogueSha256, choice.catalogueSha256);

    const bytes = world.store.content.get(catalogueKey(choice.catalogueSha256));
    assert.ok(bytes !== undefined && sha256Hex(bytes) === choice.catalogueSha256);
    const drawn = new Set(learnedFrom.flatMap((number) => epochOf(world, number).zipCodes.map((zip) => zip.zipCode)));
    assert.ok(drawn.size >= 27);
    for (const { zipCode, expectedListings, calibration } of decodeCatalogue(bytes).entries) {
      assert.equal(expectedListings, drawn.has(zipCode) ? 115 : 100, "half the way to 130, as two thirds of stake say");
      assert.equal(calibration?.observations, drawn.has(zipCode) ? 1 : undefined);
    }
    const again = calibrate({
      catalogue: imported.catalogue,
      settlements: learnedFrom.map((number) => settlementOf(world, number)),
      epochNumber: CALIBRATED_EPOCH,
      resultCapListings: choice.resultCapListings,
    });
    assert.equal(encodeCatalogue(again).sha256, choice.catalogueSha256, "anybody can repeat it from records");
    assert.deepEqual(
      settlementOf(world, FIRST_EPOCH)
        .reports.filter(({ agrees }) => agrees)
        .map(({ validator }) => validator),
      ["//V", "//W"].map((uri) => signerFromUri(uri).hotkey).toSorted(),
    );
    assert.equal(of("catalogue_chosen").length, 2);
    const settled = of("epoch_settled").map((facts) => (facts as { epoch_id: string }).epoch_id);
    assert.deepEqual(settled.slice(0, EVERY), learnedFrom.map(idOf), "each once, by whoever was first");
  });

  it("learns nothing where no half of the stake agrees, and keeps the catalogue", async () => {
    const world = await keeperWorld();
    const replica = world.start({ calibrateEveryEpochs: EVERY });
    await runJudged(world, { "//V": 130, "//W": 90 }, () => has(world, epochKey(idOf(CALIBRATED_EPOCH + EVERY))));
    await replica.kill();
    const { catalogueSha256, reason, learnedToNumber } = choiceOf(world, CALIBRATED_EPOCH + EVERY);
    assert.deepEqual([catalogueSha256, reason], [evenCatalogue(60).sha256, CatalogueReason.UNCHANGED]);
    assert.equal(learnedToNumber, FIRST_EPOCH + 2 * EVERY - 1);
    assert.deepEqual(settlementOf(world, FIRST_EPOCH).zipCodes, []);
  });

  it("never delays a draw: what cannot be settled leaves the catalogue as it is", async () => {
    const world = await keeperWorld();
    const { log, of } = keptLog();
    let isBroken = true;
    const replica = world.start({
      calibrateEveryEpochs: EVERY,
      log,
      wrap: (store) => ({
        ...store,
        putIfAbsent: (key, ...rest) =>
          isBroken && key.startsWith("records/settlement/")
            ? Promise.reject(new ZipnetError("UNAVAILABLE", "out of reach"))
            : store.putIfAbsent(key, ...rest),
      }),
    });
    await runJudged(world, { "//V": 130 }, () => has(world, epochKey(idOf(CALIBRATED_EPOCH))));
    assert.equal(choiceOf(world, CALIBRATED_EPOCH).reason, CatalogueReason.UNCHANGED);
    assert.ok(of("calibrator_failed").length > 1);
    assert.deepEqual(of("keeper_failed"), []);
    isBroken = false;
    await runJudged(world, { "//V": 130 }, () => has(world, epochKey(idOf(CALIBRATED_EPOCH + 2))));
    await replica.kill();
    const later = [1, 2].map((after) => choiceOf(world, CALIBRATED_EPOCH + after));
    const calibrated = later.find(({ reason }) => reason === CatalogueReason.CALIBRATED);
    assert.ok(calibrated !== undefined, "it is made up for with the next epoch");
    assert.ok(calibrated.learnedEpochIds.length > EVERY);
  });
});

describe("a calibrator whose findings leave too little to draw from", () => {
  it("withholds its catalogue, so that every epoch is drawn, and says which rule is in the way", async () => {
    // What was found to hold less than 100 listings is not drawn any more, and three draws rest at a time.
    const world = await keeperWorld(tenZipCodes({ minExpectedListings: 100 }), 60);
    const { log, of } = keptLog();
    const replica = world.start({ calibrateEveryEpochs: 1, log });
    const last = FIRST_EPOCH + 14;
    await runJudged(world, { "//V": 80 }, () => has(world, epochKey(idOf(last))));
    await replica.kill();
    assert.deepEqual(of("epoch_undrawable"), []);
    const withheld = of("calibration_withheld") as { problem: string }[];
    assert.ok(withheld.length > 1 && withheld.every(({ problem }) => /min_expected_listings/.test(problem)));
    const reasons = Array.from({ length: 14 }, (_, after) => choiceOf(world, FIRST_EPOCH + after).reason);
    assert.ok(reasons.includes(CatalogueReason.CALIBRATED), "as long as enough is left, it does calibrate");
    for (let number = FIRST_EPOCH; number <= last; number += 1) assert.ok(has(world, epochKey(idOf(number))));
  });
});

describe("a calibrator that was away", () => {
  it("leaves the epochs that passed meanwhile the catalogue that was announced, and calibrates for the next", async () => {
    const world = await keeperWorld(tenZipCodes({ cooldownEpochs: 4 }), 80);
    const first = world.start({ calibrateEveryEpochs: EVERY });
    await runJudged(world, { "//V": 130 }, () => has(world, snapshotKey(idOf(FIRST_EPOCH + 2))));
    await first.kill();
    const away = FIRST_EPOCH + 8;
    await world.clock.advanceTo(away * LENGTH_SECONDS * 1000 + 20_000);
    const second = world.start({ calibrateEveryEpochs: EVERY, catalogue: evenCatalogue(80) });
    await runJudged(world, { "//V": 130 }, () => has(world, epochKey(idOf(away + 1))));
    await second.kill();
    for (let number = FIRST_EPOCH; number <= away; number += 1) {
      assert.equal(epochOf(world, number).catalogueSha256, evenCatalogue(80).sha256, String(number));
    }
    const { reason, learnedEpochIds } = choiceOf(world, away + 1);
    assert.equal(reason, CatalogueReason.CALIBRATED);
    assert.deepEqual(
      learnedEpochIds.slice(0, 3),
      [0, 1, 2].map((after) => idOf(FIRST_EPOCH + after)),
    );
    assert.equal(epochOf(world, away + 1).catalogueSha256, choiceOf(world, away + 1).catalogueSha256);
  });

  it("brings the owner's catalogue where none of the epochs could be drawn from the one before", async () => {
    // 25 zip codes are enough for two epochs only.
    const world = await keeperWorld(tenZipCodes({ cooldownEpochs: 40 }), 25);
    const poor = world.start({ calibrateEveryEpochs: 0 });
    await world.runUntil(() => world.clock.now() > (FIRST_EPOCH + 4) * LENGTH_SECONDS * 1000 + 50_000);
    await poor.kill();
    assert.ok(!has(world, epochKey(idOf(FIRST_EPOCH + 3))));
    // The catalogue of the epoch after this one was announced before the owner changed it.
    const rich = world.start({ calibrateEveryEpochs: 0, catalogue: evenCatalogue(500) });
    await world.runUntil(() => has(world, epochKey(idOf(FIRST_EPOCH + 6))));
    await rich.kill();
    assert.equal(epochOf(world, FIRST_EPOCH + 6).catalogueSha256, evenCatalogue(500).sha256);
  });
});

describe("the owner's catalogue", () => {
  it("comes into force with the next choice, and does not come back once it is replaced", async () => {
    const world = await keeperWorld();
    const before = world.start();
    await world.runUntil(() => has(world, epochKey(idOf(FIRST_EPOCH))));
    await before.kill();
    const other = evenCatalogue(50);
    const after = world.start({ catalogue: other, calibrateEveryEpochs: 0 });
    await world.runUntil(() => has(world, epochKey(idOf(FIRST_EPOCH + 1))));
    await after.kill();
    const { log, of } = keptLog();
    const stale = world.start({ calibrateEveryEpochs: 0, log });
    await world.runUntil(() => has(world, epochKey(idOf(FIRST_EPOCH + 3))));
    await stale.kill();
    const catalogues = [0, 1, 2, 3].map((at) => epochOf(world, FIRST_EPOCH + at).catalogueSha256);
    assert.deepEqual(catalogues, [evenCatalogue(60).sha256, other.sha256, other.sha256, other.sha256]);
    assert.deepEqual(choiceOf(world, FIRST_EPOCH + 3).replacedSha256s, [evenCatalogue(60).sha256]);
    assert.ok(of("catalogue_differs").length >= 1);
    assert.ok(of("catalogue_chosen").length === 0);
    const settled = [...world.store.content.keys()].filter((key) => key.startsWith("records/settlement/"));
    assert.deepEqual(settled, [], "0 epochs: nothing is settled");
  });

  it("is one and the same for replicas whose settings differ, and they say so", async () => {
    const world = await keeperWorld();
    const { log, of } = keptLog();
    const replicas = [evenCatalogue(60), evenCatalogue(50)].map((catalogue) =>
      world.start({ catalogue, calibrateEveryEpochs: 0, log }),
    );
    await world.runUntil(() => has(world, epochKey(idOf(FIRST_EPOCH + 4))));
    for (const replica of replicas) await replica.kill();
    const choices = [0, 1, 2, 3, 4].map((at) => choiceOf(world, FIRST_EPOCH + at));
    assert.deepEqual(
      choices.map(({ catalogueSha256 }) => catalogueSha256),
      [0, 1, 2, 3, 4].map((at) => epochOf(world, FIRST_EPOCH + at).catalogueSha256),
    );
    const changes = choices.filter(({ reason }) => reason === CatalogueReason.OWNER);
    assert.ok(changes.length <= 2, "each comes into force at most once, and a later one stays");
    assert.ok(of("catalogue_differs").length > 1);
    assert.deepEqual(of("epoch_differs"), []);
  });
});

describe("calibrators that are killed", () => {
  const every = 1;
  const last = FIRST_EPOCH + every + 3;
  const judged = { "//V": 130 };

  it("make the same catalogue, whatever operation on the store was their last", async () => {
    const calm = await keeperWorld();
    const whole = calm.start({ calibrateEveryEpochs: every });
    await runJudged(calm, judged, () => has(calm, epochKey(idOf(last))));
    await whole.kill();
    const expected = choiceOf(calm, last).catalogueSha256;
    assert.notEqual(expected, evenCatalogue(60).sha256);
    // The operations that matter are those on what the calibrator writes.
    const isOurs = (key: string): boolean => /^(catalogue\/|records\/(catalogue-choice|settlement)\/)/.test(key);
    let kills = 0;
    for (let killAt = 1, killed = true; killed; killAt += 1) {
      killed = false;
      for (const when of ["before", "after"] as const) {
        const world = await keeperWorld();
        let puts = 0;
        const dying = (store: ObjectStore): ObjectStore => ({
          ...store,
          putIfAbsent(key, ...rest) {
            if (isOurs(key)) puts += 1;
            if (!isOurs(key) || puts !== killAt) return store.putIfAbsent(key, ...rest);
            killed = true;
            const never = new Promise<never>(() => {});
            return when === "before" ? never : store.putIfAbsent(key, ...rest).then(() => never);
          },
        });
        const first = world.start({ calibrateEveryEpochs: every, wrap: dying });
        await runJudged(world, judged, () => puts >= killAt || has(world, epochKey(idOf(last))));
        first.kill().catch(() => {}); // It hangs where it was killed.
        const survivor = world.start({ calibrateEveryEpochs: every });
        await runJudged(world, judged, () => has(world, epochKey(idOf(last))));
        await survivor.kill();
        assert.equal(choiceOf(world, last).catalogueSha256, expected, `killed ${when} put ${killAt}`);
        kills += 1;
      }
    }
    assert.ok(kills > 10, `only ${kills} kills`);
  });
});
