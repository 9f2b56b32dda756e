import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { type Calibration, CalibrationSchema, CatalogueEntrySchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { violationsOf } from "../constraints.js";
import { sample } from "../samples.test-support.js";
import { HALF_LIFE_EPOCHS, decayed, importBounds, learned, stepped, targetOf } from "./expectation.js";

const listings = fc.integer({ min: 0, max: 1_000_000 });
const weightBps = fc.constantFrom(2_500, 5_000);
const finding = fc.record({ listings, weightBps, after: fc.integer({ min: 1, max: 5_000 }) });

const entryOf = (expectedListings: number, calibration?: Calibration) =>
  create(CatalogueEntrySchema, {
    ...sample(CatalogueEntrySchema),
    expectedListings,
    ...(calibration === undefined ? { calibration: undefined } : { calibration }),
  });

describe("confidence", () => {
  it("is halved in a half-life, and never grows with age", () => {
    assert.deepEqual(
      [0, 1, 2, 3].map((at) => decayed(8_000, at * HALF_LIFE_EPOCHS)),
      [8_000, 4_000, 2_000, 1_000],
    );
    assert.equal(decayed(8_000, HALF_LIFE_EPOCHS / 2), 6_000);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.nat(40_000), fc.nat(500), (confidence, age, more) => {
        const then = decayed(confidence, age);
        assert.ok(then >= 0 && then <= confidence && decayed(confidence, age + more) <= then);
      }),
    );
    assert.equal(decayed(10_000, 0xffff_ffff), 0);
  });
});

describe("the expectation of a zip code", () => {
  /** Learns findings one after the other; what is known after each, and in which epoch. */
  function learnAll(imported: number, findings: readonly { listings: number; weightBps: number; after: number }[]) {
    let entry = entryOf(imported);
    let epoch = 1_000;
    return findings.map(({ after, ...found }) => {
      epoch += after;
      const before = entry.calibration === undefined ? imported : targetOf(entry.calibration, epoch);
      const known = entry.calibration;
      const confidence = known === undefined ? 0 : decayed(known.confidenceBps, epoch - known.lastEpochNumber);
      const calibration = learned(entry, { ...found, isAtResultCap: false }, epoch);
      entry = entryOf(imported, calibration);
      return { before, calibration, confidence, epoch, found };
    });
  }

  it("goes a part of the way to each finding, in valid states", () => {
    fc.assert(
      fc.property(listings, fc.array(finding, { minLength: 1, maxLength: 8 }), (imported, findings) => {
        const { least, most } = importBounds(imported);
        for (const { before, calibration, confidence, epoch, found } of learnAll(imported, findings)) {
          assert.deepEqual(violationsOf(CalibrationSchema, calibration), []);
          assert.ok(calibration.confidenceBps >= confidence, "a finding never takes confidence away");
          const counted = Math.min(Math.max(found.listings, least), most);
          const wanted = before + ((counted - before) * found.weightBps) / 10_000;
          const error = Math.abs(targetOf(calibration, epoch) - wanted);
          // Confidence is kept in whole basis points, so a part of the range in ten thousand may get lost.
          assert.ok(error <= 1 + (most - least) / 2_500, `${targetOf(calibration, epoch)} instead of ${wanted}`);
        }
      }),
    );
  });

  it("stays between what was imported and what was found, whatever its age", () => {
    fc.assert(
      fc.property(
        listings,
        fc.array(finding, { minLength: 1, maxLength: 8 }),
        fc.nat(30_000),
        (imported, findings, age) => {
          const last = learnAll(imported, findings).at(-1);
          assert.ok(last !== undefined);
          const found = findings.map((each) => each.listings);
          const target = targetOf(last.calibration, last.epoch + age);
          assert.ok(target >= Math.min(imported, ...found) && target <= Math.max(imported, ...found));
        },
      ),
    );
  });

  it("comes back to the import with age", () => {
    const [last] = learnAll(100, [{ listings: 300, weightBps: 5_000, after: 1 }]);
    assert.ok(last !== undefined);
    const at = (age: number) => targetOf(last.calibration, last.epoch + age);
    assert.deepEqual([at(0), at(HALF_LIFE_EPOCHS), at(20 * HALF_LIFE_EPOCHS)], [200, 150, 100]);
  });

  it("counts an epoch once", () => {
    const once = learned(entryOf(100), { listings: 200, isAtResultCap: false, weightBps: 5_000 }, 7);
    const again = learned(entryOf(100, once), { listings: 300, isAtResultCap: false, weightBps: 5_000 }, 7);
    assert.deepEqual(again, once);
  });

  it("takes one step of at most a fifth, or of 1", () => {
    fc.assert(
      fc.property(listings, listings, (expected, target) => {
        const next = stepped(expected, target);
        assert.ok(Math.abs(next - expected) <= Math.max(1, expected / 5));
        assert.ok(Math.abs(next - target) <= Math.abs(expected - target));
        if (expected !== target) assert.notEqual(next, expected, "and it does move");
      }),
    );
    assert.deepEqual([stepped(100, 500), stepped(100, 0), stepped(4, 9), stepped(1, 0)], [120, 80, 5, 0]);
  });
});
