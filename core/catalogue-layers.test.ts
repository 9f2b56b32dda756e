import assert from "node:assert/strict";
import fc from "fast-check";
import type { CatalogueEntry } from "../gen/zipnet/v1/epoch_pb.js";
import { encodeCatalogue } from "./catalogue.js";
import { type Estimate, type Layer, type PlaceFacts, mergeLayers } from "./catalogue-layers.js";

const POSITION = { latitudeMicrodegrees: 47_600_000, longitudeMicrodegrees: -122_300_000 };
const NAMES = { state: "WA", county: "King", place: "Seattle" };
const HERE: PlaceFacts = { ...NAMES, position: POSITION };

function estimate(zipCode: string, expectedListings: number, more: Partial<Estimate> = {}): Estimate {
  return { zipCode, expectedListings, source: "a", asOf: "2026-08-01", isDoubtful: false, place: {}, ...more };
}

function layer(name: string, estimates: readonly Estimate[], isAuthorityOnPlaces = false): Layer {
  const byZipCode = new Map(estimates.map((said) => [said.zipCode, { ...said, source: name }]));
  return { name, estimates: byZipCode, isAuthorityOnPlaces };
}

describe("layers of a catalogue", () => {
  it("give each zip code the expectation, source and day of the first that has it without doubt", () => {
    const zip = fc.integer({ min: 98_101, max: 98_106 }).map(String);
    const said = fc.record({ zip, listings: fc.nat(500), isDoubtful: fc.boolean() });
    const file = fc.uniqueArray(said, { selector: (one) => one.zip });
    fc.assert(
      fc.property(fc.array(file, { minLength: 1, maxLength: 4 }), (files) => {
        const layers = files.map((rows, index) =>
          layer(
            `file-${index}`,
            rows.map(({ zip, listings, isDoubtful }) => estimate(zip, listings, { isDoubtful })),
          ),
        );
        const { entries, counts, incomplete } = mergeLayers(layers, () => HERE);
        assert.deepEqual(incomplete, []);
        assert.equal(new Set(entries.map((entry) => entry.zipCode)).size, entries.length);
        assert.equal(entries.length, new Set(files.flat().map((one) => one.zip)).size);
        const expectedCounts = layers.map(() => 0);
        for (const entry of entries) {
          const having = files.flatMap((rows, index) =>
            rows.filter((one) => one.zip === entry.zipCode).map((one) => ({ ...one, index })),
          );
          const best = having.find((one) => !one.isDoubtful) ?? having[0] ?? assert.fail();
          assert.deepEqual([entry.expectedListings, entry.source], [best.listings, `file-${best.index}`]);
          expectedCounts[best.index] = (expectedCounts[best.index] ?? 0) + 1;
        }
        assert.deepEqual(counts, expectedCounts);
        if (entries.length > 0) encodeCatalogue(entries);
      }),
    );
  });

  it("know where a zip code is by the owner's word, then the table of places, then the other files", () => {
    const told = (place: string, more: PlaceFacts = {}): Partial<Estimate> => ({ place: { place, ...more } });
    const rdc = layer("rdc", [estimate("98101", 9, told("From RDC", { county: "53033" }))]);
    const own = layer("own", [estimate("98101", 8, told("Mine", { county: "" }))], true);
    const table: PlaceFacts = { ...HERE, county: "", state: undefined };
    const census = layer("census", [estimate("98101", 7, told("From census", { state: "OR", county: "King" }))]);
    const [entry] = mergeLayers([rdc, own, census], () => table).entries;
    assert.deepEqual([entry?.expectedListings, entry?.source], [9, "rdc"]);
    assert.deepEqual([entry?.place, entry?.county, entry?.state], ["Mine", "53033", "OR"]);
    assert.equal(entry?.latitudeMicrodegrees, POSITION.latitudeMicrodegrees);
    const [withoutOwn] = mergeLayers([rdc, census], () => HERE).entries;
    assert.deepEqual([withoutOwn?.place, withoutOwn?.state], ["Seattle", "WA"]);
  });

  it("leave out, and name, what nobody knows the state or the position of", () => {
    const layers = [layer("rdc", [estimate("98101", 9), estimate("98102", 9, { place: { state: "WA" } })])];
    const { entries, counts, incomplete } = mergeLayers(layers, () => undefined);
    assert.deepEqual([entries, counts], [[], [0]]);
    assert.deepEqual(incomplete, [
      { layer: "rdc", zipCode: "98101", missing: "state" },
      { layer: "rdc", zipCode: "98102", missing: "position" },
    ]);
  });

  it("keep an entry of a catalogue as it is where it counts, and use its places where it does not", () => {
    const made = encodeCatalogue([
      { zipCode: "98101", ...NAMES, ...POSITION, expectedListings: 5, source: "owner", asOf: "2026-07-01" },
    ]);
    const [entry] = made.catalogue.entries;
    assert.ok(entry !== undefined);
    const old = layer("old", [estimate("98101", 5, { entry, place: HERE })], true);
    assert.deepEqual(mergeLayers([old], () => undefined).entries, [entry]);
    const [renewed] = mergeLayers([layer("rdc", [estimate("98101", 6)]), old], () => undefined).entries;
    assert.deepEqual([renewed?.expectedListings, renewed?.source, renewed?.place], [6, "rdc", "Seattle"]);
  });

  it("keep what a catalogue has learned under a new import, within the new import's bounds", () => {
    const learned = { foundMillilistings: 60_000, confidenceBps: 8_000, observations: 3, lastEpochNumber: 9_000 };
    const made = encodeCatalogue([
      {
        zipCode: "98101",
        ...NAMES,
        ...POSITION,
        expectedListings: 50,
        source: "owner",
        asOf: "2026-07-01",
        calibration: { importedListings: 40, ...learned },
      },
      { zipCode: "98102", ...NAMES, ...POSITION, expectedListings: 9, source: "owner", asOf: "2026-07-01" },
    ]);
    const old = layer(
      "old",
      made.catalogue.entries.map((entry) => estimate(entry.zipCode, entry.expectedListings, { entry, place: HERE })),
      true,
    );
    const renewedBy = (listings: number): readonly CatalogueEntry[] =>
      mergeLayers([layer("rdc", [estimate("98101", listings), estimate("98102", 8)]), old], () => undefined).entries;
    const [renewed, other] = renewedBy(20);
    // 20 imported by a fifth, 60 found by four fifths.
    assert.deepEqual([renewed?.expectedListings, renewed?.source], [52, "rdc"]);
    assert.equal(renewed?.calibration?.importedListings, 20);
    assert.equal(renewed?.calibration?.foundMillilistings, 60_000);
    assert.deepEqual([other?.expectedListings, other?.calibration], [8, undefined]);
    // What was found counts as at most four times what is imported: 10 by a fifth, 40 by four fifths.
    assert.equal(renewedBy(10)[0]?.expectedListings, 34);
    const [kept] = mergeLayers([old, layer("rdc", [estimate("98101", 20)])], () => undefined).entries;
    assert.deepEqual(kept, made.catalogue.entries[0]);
  });
});
