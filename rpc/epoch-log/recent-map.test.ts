import assert from "node:assert/strict";
import { RecentMap } from "./recent-map.js";

describe("the map of what was used recently", () => {
  it("forgets what was not used for longest", () => {
    const map = new RecentMap<string, object>(2);
    const [a, b, c] = [{}, {}, {}];
    map.set("a", a);
    map.set("b", b);
    assert.equal(map.get("a"), a);
    map.set("c", c);
    assert.equal(map.get("b"), undefined);
    assert.equal(map.get("a"), a);
    assert.equal(map.get("c"), c);
  });

  it("holds no more than its capacity by weight, however often an entry is replaced", () => {
    const map = new RecentMap<string, Uint8Array>(100, ({ byteLength }) => byteLength);
    for (let round = 0; round < 10; round += 1) map.set("a", new Uint8Array(40));
    map.set("b", new Uint8Array(60));
    assert.equal(map.get("a")?.byteLength, 40);
    map.set("c", new Uint8Array(1));
    assert.equal(map.get("b"), undefined);
    map.set("whole", new Uint8Array(101));
    assert.equal(map.get("whole"), undefined);
    assert.equal(map.get("c")?.byteLength, 1, "what could not be held displaced nothing");
    map.set("d", new Uint8Array(100));
    assert.equal(map.get("d")?.byteLength, 100);
  });
});
