import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { VECTORS, selectionVectors, vectorsText } from "./selection.js";

describe("the test vectors of the draw", () => {
  const vectors = selectionVectors();

  it("are what core draws; after a change of the draw, write them with: npm run vectors", () => {
    const text = readFileSync(VECTORS, "utf8");
    assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(vectors)));
    assert.equal(text, vectorsText(vectors));
  });

  it("reach every way in which a draw can end", () => {
    const ends = vectors.draws.map(({ drawn }) =>
      drawn === null ? "missed" : drawn.attempts === 1 ? "at once" : drawn.attempts <= 1_000 ? "repeated" : "searched",
    );
    for (const end of ["missed", "at once", "repeated", "searched"]) {
      assert.ok(ends.filter((each) => each === end).length >= 3, `${end}: ${ends.join(", ")}`);
    }
  });
});
