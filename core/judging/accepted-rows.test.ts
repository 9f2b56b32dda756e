import assert from "node:assert/strict";
import fc from "fast-check";
import { HomeType } from "../../gen/zipnet/v1/listing_pb.js";
import { acceptedRows, hardFactsAgree, indexOfListing, livingAreaOf } from "./accepted-rows.js";
import { exampleListing } from "./examples.test-support.js";

describe("accepted rows", () => {
  const one = (over: Parameters<typeof exampleListing>[2]) => acceptedRows([exampleListing("7", "98101", over)]);

  it("are found by their listing's id, whatever order they came in", () => {
    const ids = fc.uniqueArray(fc.integer({ min: 1, max: 10_000 }).map(String), { maxLength: 40 });
    fc.assert(
      fc.property(ids, fc.integer({ min: 1, max: 10_000 }).map(String), (present, asked) => {
        const rows = acceptedRows(present.map((id) => exampleListing(id)));
        assert.deepEqual(rows.ids, present.toSorted());
        assert.equal(indexOfListing(rows, asked), rows.ids.indexOf(asked));
      }),
    );
  });

  it("agree where address, kind and sizes do, whatever the price, the status and the broker", () => {
    assert(hardFactsAgree(one({}), 0, one({ priceUsd: 1, brokerName: "B", latitude: 47.7 }), 0));
    assert(hardFactsAgree(one({}), 0, one({ streetAddress: "7  PINE st" }), 0), "case and spaces do not count");
    for (const over of [
      { streetAddress: "8 Pine St" },
      { city: "Tacoma" },
      { homeType: HomeType.CONDO },
      { bedrooms: 4 },
      { bathrooms: 2.5 },
      { livingAreaSqft: 1_801 },
      { lotAreaSqft: 5_001 },
    ]) {
      assert(!hardFactsAgree(one({}), 0, one(over), 0), JSON.stringify(over));
    }
  });

  it("do not hold against each other what one of them leaves out", () => {
    const silent = acceptedRows([exampleListing("7")].map(withoutSizes));
    assert(hardFactsAgree(one({}), 0, silent, 0));
    assert.equal(livingAreaOf(silent, 0), undefined);
    assert.equal(livingAreaOf(one({}), 0), 1_800);
  });
});

function withoutSizes(listing: ReturnType<typeof exampleListing>): typeof listing {
  delete listing.bedrooms;
  delete listing.bathrooms;
  delete listing.livingAreaSqft;
  delete listing.lotAreaSqft;
  return listing;
}
