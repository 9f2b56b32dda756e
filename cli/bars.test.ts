import assert from "node:assert/strict";
import { bar, percentText, shadedBar } from "./bars.js";

describe("bars", () => {
  it("are as long as the part, an eighth of a cell fine, and show whatever there is", () => {
    assert.deepEqual([bar(8, 8, 4), bar(3, 8, 4), bar(5, 32, 4)], ["████", "█▌", "▋"]);
    assert.deepEqual([bar(1, 1_000_000, 4), bar(0, 8, 4), bar(1, 0, 4)], ["▏", "", ""]);
  });

  it("have a dark part and a light rest", () => {
    assert.deepEqual([shadedBar(1, 2, 4, 8), shadedBar(0, 4, 4, 4), shadedBar(4, 4, 4, 4)], ["██░░", "░░░░", "████"]);
    assert.equal(shadedBar(1, 1_000, 1_000, 4), "█░░░");
    assert.equal(shadedBar(0, 0, 4, 4), "");
  });

  it("stand beside percent", () => {
    assert.deepEqual([percentText(1, 8), percentText(0, 0)], ["12.5 %", "-"]);
  });
});
