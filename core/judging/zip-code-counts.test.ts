import assert from "node:assert/strict";
import { toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { ZipCodeCountSchema } from "../../gen/zipnet/v1/report_pb.js";
import { violationsOf } from "../constraints.js";
import { checkFiles, exampleEpoch, exampleListing, readFile, soundCheck } from "./examples.test-support.js";
import { zipCodeCounts } from "./zip-code-counts.js";

const HOTKEY = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

async function countsOf(...submissions: Readonly<Record<string, number>>[]) {
  const checks = await Promise.all(submissions.map((counts) => soundCheck(HOTKEY, counts)));
  return zipCodeCounts(checks, exampleEpoch()).map((count) => [
    count.zipCode,
    count.lowerMedianListings,
    count.upperMedianListings,
    count.miners,
  ]);
}

describe("zipCodeCounts", () => {
  it("takes the middle of those who delivered a zip code, or the two in the middle", async () => {
    const odd = await countsOf({ "98101": 5, "98102": 3 }, { "98101": 9 }, { "98101": 6, "98102": 8 });
    assert.deepEqual(odd, [
      ["98101", 6, 6, 3],
      ["98102", 3, 8, 2],
    ]);
    assert.deepEqual(await countsOf(), []);
  });

  it("takes a file without rows as the word that there is none, and no other file", async () => {
    const empty = await checkFiles({ hotkey: HOTKEY, files: new Map([["98101", readFile(HOTKEY, "98101", [])]]) });
    const refused = [exampleListing("1", "98102")];
    const foreign = await checkFiles({
      hotkey: HOTKEY,
      files: new Map([["98101", readFile(HOTKEY, "98101", refused)]]),
    });
    const unreadable = await checkFiles({ hotkey: HOTKEY, files: new Map([["98101", { kind: "unreadable" }]]) });
    const [count, ...others] = zipCodeCounts([foreign, empty, unreadable], exampleEpoch());
    assert.deepEqual([count?.zipCode, count?.lowerMedianListings, count?.miners], ["98101", 0, 1]);
    assert.deepEqual(others, []);
  });

  it("is valid and the same whatever the order of the submissions", async () => {
    const submission = fc.dictionary(fc.constantFrom("02134", "98101", "98102"), fc.nat(12));
    await fc.assert(
      fc.asyncProperty(fc.array(submission, { maxLength: 6 }), async (submissions) => {
        const checks = await Promise.all(submissions.map((counts) => soundCheck(HOTKEY, counts)));
        const bytes = (counts: ReturnType<typeof zipCodeCounts>) =>
          counts.map((count) => toBinary(ZipCodeCountSchema, count));
        const counts = zipCodeCounts(checks, exampleEpoch());
        assert.deepEqual(bytes(zipCodeCounts(checks.toReversed(), exampleEpoch())), bytes(counts));
        assert.deepEqual(
          counts.flatMap((count) => violationsOf(ZipCodeCountSchema, count)),
          [],
        );
      }),
      { numRuns: 50 },
    );
  });
});
