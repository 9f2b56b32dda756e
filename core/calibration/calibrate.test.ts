import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { type CatalogueEntry, CatalogueEntrySchema, CatalogueSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { ZipCodeCountSchema } from "../../gen/zipnet/v1/report_pb.js";
import { encodeCatalogue } from "../catalogue.js";
import { sample } from "../samples.test-support.js";
import { calibrate } from "./calibrate.js";
import { observationOf } from "./observation.js";

const CAP = 820;

function entryOf(zipCode: string, expectedListings: number): CatalogueEntry {
  const entry = { ...sample(CatalogueEntrySchema), zipCode, expectedListings };
  delete entry.calibration;
  return create(CatalogueEntrySchema, entry);
}

const countOf = (zipCode: string, lower: number, upper: number, miners: number) =>
  create(ZipCodeCountSchema, { zipCode, lowerMedianListings: lower, upperMedianListings: upper, miners });

describe("observationOf", () => {
  const listingsIn = (lower: number, upper: number, miners: number, expected = 100) =>
    observationOf(countOf("98101", lower, upper, miners), expected, CAP)?.listings;

  it("is the median of an odd number, and of an even one what is nearest to the expectation", () => {
    assert.deepEqual([listingsIn(70, 70, 3), listingsIn(200, 200, 5)], [70, 200]);
    assert.deepEqual([listingsIn(70, 90, 4), listingsIn(110, 130, 2), listingsIn(70, 130, 2)], [90, 110, 100]);
  });

  it("needs two miners, and three for its full weight", () => {
    assert.equal(listingsIn(70, 70, 1), undefined);
    const weights = [2, 3, 12].map((miners) => observationOf(countOf("98101", 7, 7, miners), 100, CAP)?.weightBps);
    assert.deepEqual(weights, [2_500, 5_000, 5_000]);
  });

  it("takes what reaches the result cap for at least the cap, and never for less than is expected", () => {
    const at = (found: number, expected: number) => observationOf(countOf("98101", found, found, 3), expected, CAP);
    assert.deepEqual(at(779, 100), { listings: 820, isAtResultCap: true, weightBps: 5_000 });
    assert.deepEqual(at(820, 2_000), { listings: 2_000, isAtResultCap: true, weightBps: 5_000 });
    assert.deepEqual(at(778, 2_000), { listings: 778, isAtResultCap: false, weightBps: 5_000 });
  });
});

describe("calibrate", () => {
  const catalogue = create(CatalogueSchema, { entries: [entryOf("02134", 50), entryOf("98101", 600)] });
  const after = (...found: { epochNumber: number; zipCodes: ReturnType<typeof countOf>[] }[]) =>
    calibrate({ catalogue, settlements: found, epochNumber: 60, resultCapListings: CAP });

  it("moves what was found, leaves the rest as it is, and knows nothing of other zip codes", () => {
    const entries = after({ epochNumber: 50, zipCodes: [countOf("02134", 54, 54, 3), countOf("99999", 9, 9, 3)] });
    assert.equal(entries[1], catalogue.entries[1]);
    const { expectedListings, calibration } = entries[0] ?? entryOf("", 0);
    assert.equal(expectedListings, 52);
    assert.deepEqual(
      [calibration?.importedListings, calibration?.observations, calibration?.lastEpochNumber],
      [50, 1, 50],
    );
    assert.equal(entries.length, 2);
    assert.equal(catalogue.entries[0]?.expectedListings, 50, "the catalogue before stays as it is");
  });

  it("marks a zip code at the result cap, raises it to the cap, and takes the mark back once less is found", () => {
    let present = catalogue;
    let number = 0;
    const next = (found: number): CatalogueEntry => {
      number += 42;
      const settlements = [{ epochNumber: number, zipCodes: [countOf("98101", found, found, 3)] }];
      const entries = calibrate({ catalogue: present, settlements, epochNumber: number + 4, resultCapListings: CAP });
      present = create(CatalogueSchema, { entries });
      return entries[1] ?? entryOf("", 0);
    };
    for (let round = 0; round < 12; round += 1) assert.ok(next(800).atResultCap);
    const risen = next(800);
    assert.ok(risen.expectedListings >= 800, `${risen.expectedListings}`);
    assert.equal(next(300).atResultCap, false);
  });

  it("does not depend on the order of the settlements, and learns of no epoch twice", () => {
    const finding = fc.record({ zipCode: fc.constantFrom("02134", "98101"), listings: fc.nat(900), miners: fc.nat(6) });
    fc.assert(
      fc.property(fc.array(finding, { maxLength: 6 }), (findings) => {
        const settlements = findings.map(({ zipCode, listings, miners }, index) => ({
          epochNumber: 10 + index,
          zipCodes: [countOf(zipCode, listings, listings, miners)],
        }));
        const entries = after(...settlements);
        const { sha256 } = encodeCatalogue(entries);
        assert.equal(encodeCatalogue(after(...settlements.toReversed())).sha256, sha256);
        const again = calibrate({
          catalogue: create(CatalogueSchema, { entries }),
          settlements,
          epochNumber: 60,
          resultCapListings: CAP,
        });
        assert.deepEqual(
          again.map((entry) => entry.calibration),
          entries.map((entry) => entry.calibration),
        );
      }),
    );
  });
});
