import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { type CatalogueChoice, CatalogueChoiceSchema, CatalogueReason } from "../../gen/zipnet/v1/calibration_pb.js";
import { violationsOf } from "../constraints.js";
import { epochIdOf } from "../epoch-time.js";
import { EPOCHS_UNTIL_SETTLED, bringsImport, calibrationDue, nextChoice, settledTo } from "./choice.js";

const A = "a".repeat(64);
const B = "b".repeat(64);
const C = "c".repeat(64);
const { CALIBRATED, OWNER, UNCHANGED } = CatalogueReason;

function choose(
  previous: CatalogueChoice | undefined,
  epochNumber: number,
  configuredSha256: string,
  calibratedSha256?: string,
  hasBegun = false,
): CatalogueChoice {
  const epochId = epochIdOf(epochNumber * 1_000_000);
  const calibrated =
    calibratedSha256 === undefined
      ? {}
      : { calibrated: { catalogueSha256: calibratedSha256, epochIds: [epochIdOf(0)], resultCapListings: 820 } };
  const place = { network: "local", netuid: 1, epochNumber, epochId, hasBegun };
  return create(CatalogueChoiceSchema, nextChoice({ ...place, previous, configuredSha256, ...calibrated }));
}

const outline = ({ catalogueSha256, reason }: CatalogueChoice) => [catalogueSha256, reason];

describe("the choice of a catalogue", () => {
  it("begins with the owner's, stays, is calibrated, and changes with the owner's", () => {
    const first = choose(undefined, 10, A);
    const second = choose(first, 11, A);
    const third = choose(second, 12, A, B);
    const fourth = choose(third, 13, A);
    const fifth = choose(fourth, 14, C, B);
    assert.deepEqual([first, second, third, fourth, fifth].map(outline), [
      [A, OWNER],
      [A, UNCHANGED],
      [B, CALIBRATED],
      [B, UNCHANGED],
      [C, OWNER],
    ]);
    assert.deepEqual(fifth.replacedSha256s, [A]);
    assert.equal(fifth.learnedToNumber, settledTo(12), "what a calibration did not get to is still to be learned from");
  });

  it("is not turned back by a server that still names a replaced import", () => {
    const replaced = choose(choose(undefined, 10, A), 11, B);
    assert.equal(bringsImport(replaced, A), false);
    assert.deepEqual(outline(choose(replaced, 12, A)), [B, UNCHANGED]);
    assert.deepEqual(outline(choose(replaced, 12, C)), [C, OWNER]);
  });

  it("changes nothing for an epoch that has begun, but the first choice of all", () => {
    const first = choose(undefined, 10, A, undefined, true);
    assert.deepEqual(outline(first), [A, OWNER]);
    const second = choose(first, 11, A, B, true);
    assert.deepEqual([outline(second), second.learnedToNumber], [[A, UNCHANGED], first.learnedToNumber]);
    assert.deepEqual(outline(choose(second, 12, C, undefined, true)), [A, UNCHANGED]);
  });

  it("is due for calibration once so many epochs more are settled", () => {
    const first = choose(undefined, 10, A);
    assert.equal(first.learnedToNumber, 9);
    const firstDue = 10 + 5 + EPOCHS_UNTIL_SETTLED;
    assert.deepEqual(
      [firstDue - 1, firstDue, firstDue + 9].map((number) => calibrationDue(first, number, 5)),
      [false, true, true],
    );
    assert.equal(calibrationDue(first, 1_000, 0), false, "0 is never");
    const done = choose(first, firstDue, A, B);
    assert.equal(calibrationDue(done, firstDue + 4, 5), false);
    assert.equal(calibrationDue(done, firstDue + 5, 5), true);
  });

  it("is valid whatever came before, and brings an import into force at most once", () => {
    const step = fc.record({
      configured: fc.constantFrom(A, B, C),
      calibrated: fc.option(fc.nat(3), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
        let previous: CatalogueChoice | undefined;
        const imports: string[] = [];
        steps.forEach(({ configured, calibrated }, index) => {
          const made = calibrated === undefined ? undefined : String(calibrated).repeat(64);
          const choice = choose(previous, 10 + index, configured, made);
          assert.deepEqual(violationsOf(CatalogueChoiceSchema, choice), []);
          assert.equal(choice.previousSha256, previous?.catalogueSha256 ?? "");
          if (choice.reason === OWNER) imports.push(choice.importedSha256);
          previous = choice;
        });
        assert.equal(new Set(imports).size, imports.length);
      }),
    );
  });
});
