import assert from "node:assert/strict";
import { HomeType } from "../../gen/zipnet/v1/listing_pb.js";
import { readZips } from "../../cli/simulate/reading.js";
import { type Home, World, pageOf } from "../../cli/simulate/world.js";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 10, 1);

describe("the simulated market", () => {
  const world = new World("market", START_MS, 36, 32);
  const listedAt = (timeMs: number): Home[] => world.zipCodes.flatMap((zip) => world.listed(zip, timeMs));

  it("changes 5 percent of the homes between a scraping and its check, of which a few leave no page", () => {
    const homes = listedAt(START_MS);
    assert.ok(homes.length > 900, `${homes.length} homes`);
    const later = homes.map((home) => pageOf(home, START_MS + 5 * HOUR_MS, -5 * HOUR_MS));
    const gone = later.filter((page) => page === undefined).length;
    const changed = later.filter((page, index) => {
      const before = homes[index] && pageOf(homes[index], START_MS);
      return page?.priceUsd !== before?.priceUsd || page?.status !== before?.status;
    }).length;
    assert.ok(changed / homes.length > 0.035 && changed / homes.length < 0.065, `${changed} of ${homes.length}`);
    assert.ok(gone > 0 && gone / homes.length < 0.01, `${gone} of ${homes.length} are gone`);
  });

  it("shows at a moment what it showed then, whatever was asked since", () => {
    const pages = (): unknown[] => listedAt(START_MS + HOUR_MS).map((home) => pageOf(home, START_MS + HOUR_MS));
    const before = pages();
    listedAt(START_MS + 1_000 * HOUR_MS);
    assert.deepEqual(pages(), before);
    assert.notDeepEqual(listedAt(START_MS + 1_000 * HOUR_MS), listedAt(START_MS + HOUR_MS));
  });

  it("never has two homes of one id", () => {
    const homes = [0, 200, 400].flatMap((hours) => listedAt(START_MS + hours * HOUR_MS));
    assert.equal(new Set(homes.map(({ id }) => id)).size, new Set(homes).size);
  });

  it("takes a reader the time of its pace, and stops it at its deadline", () => {
    const zips = world.zipCodes.slice(0, 5);
    const reader = { world, zips, fromMs: START_MS, listingsPerHour: 100, skewMs: 0, luck: "reader" };
    const whole = readZips({ ...reader, untilMs: START_MS + 100 * HOUR_MS });
    const rows = [...whole.rows.values()].flat();
    const hours = (whole.doneMs - START_MS) / HOUR_MS;
    assert.ok(Math.abs(hours - rows.length / 100) < 0.05, `${rows.length} rows in ${hours} hours`);
    const part = readZips({ ...reader, untilMs: START_MS + HOUR_MS });
    const read = [...part.rows.values()].flat().length;
    assert.ok(read >= 100 && read <= 110, `${read} rows in an hour`);
    assert.ok(rows.some(({ homeType }) => homeType === HomeType.CONDO));
  });
});
