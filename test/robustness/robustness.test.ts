/**
 * A few seeds of the robustness suite; `npm run robustness` runs them all.
 */
import assert from "node:assert/strict";
import { redisMissing } from "../parts/redis.js";
import { FOLLOWERS, runSeeds } from "./seeds.js";

const missing = redisMissing();
const SEEDS = [1, 2, 3];

(missing === undefined ? describe : describe.skip)(
  `followers under faults${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  function () {
    this.timeout(300_000);

    it(`${FOLLOWERS} followers see every promise kept in seeds ${SEEDS.join(", ")}`, async () => {
      const { violations, report, delivered, timeline } = await runSeeds(SEEDS, FOLLOWERS);
      assert.deepEqual(violations, [], report);
      // What nothing happened to, or nobody saw, proves nothing.
      assert.ok(timeline.length >= SEEDS.length && delivered > FOLLOWERS * SEEDS.length, report);
    });
  },
);
