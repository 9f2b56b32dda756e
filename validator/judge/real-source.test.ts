import assert from "node:assert/strict";
import { manualClock } from "../../adapters/clock/manual-clock.js";
import { generatedHomes } from "../../adapters/source/site/generated-homes.js";
import { UNDISTURBED } from "../../adapters/source/site/disturbances.js";
import { startSite } from "../../adapters/source/site/server.js";
import { zillowShapedSource } from "../../adapters/source/zillow-shape/source.js";
import { judgeListing } from "../../core/judging/comparison.js";
import { CLOSE_MS, START_MS } from "../../core/judging/examples.test-support.js";
import { completenessOf, implausibleBecause } from "../../core/judging/row-checks.js";
import type { PageReader } from "../../core/ports.js";
import type { Listing } from "../../gen/zipnet/v1/listing_pb.js";
import { ListingVerdict } from "../../gen/zipnet/v1/report_pb.js";

const never = new AbortController().signal;

const pages: PageReader = {
  async read(url, signal) {
    const response = await fetch(url, { signal });
    return { url, status: response.status, html: await response.text() };
  },
  close: () => Promise.resolve(),
};

describe("judging what the listing site shows", () => {
  it("finds honest rows whole and plausible, and never fails one, however much changed since", async () => {
    const controller = new AbortController();
    const clock = manualClock(START_MS);
    const homes = generatedHomes({ seed: "judging", churnPerHourBps: 2_000 });
    const site = await startSite(
      {
        host: "127.0.0.1",
        port: 0,
        homes,
        clock,
        latencyMs: 0,
        ...UNDISTURBED,
        seed: "judging",
      },
      controller.signal,
    );
    const source = zillowShapedSource({ origin: site.url, pages, clock, retries: 0 });
    try {
      const rows: Listing[] = [];
      for await (const page of source.search("98101", never)) rows.push(...page.listings);
      assert(rows.length > 10);
      const window = { startMs: START_MS, receivedMs: START_MS + 60_000 };
      assert.deepEqual(
        rows.map((row) => implausibleBecause(row, window)).filter((why) => why !== undefined),
        [],
      );
      const present = rows.reduce((sum, row) => sum + completenessOf(row).presentBps, 0) / rows.length;
      assert(present > 9_500, `only ${present} of 10,000 expected fields are there`);

      const judged = async (): Promise<Set<string>> => {
        const verdicts = new Set<string>();
        for (const row of rows) {
          const evidence = judgeListing("5Miner", "98101", row, await source.lookUp(row.listingId, never));
          verdicts.add(ListingVerdict[evidence.verdict]);
          assert.notEqual(
            evidence.verdict,
            ListingVerdict.FAIL,
            `${row.listingId}: ${evidence.note} ${JSON.stringify(evidence.differences)}`,
          );
        }
        return verdicts;
      };
      assert.deepEqual([...(await judged())], ["PASS"]);
      await clock.advanceTo(CLOSE_MS + 3_600_000);
      assert.deepEqual([...(await judged())].sort(), ["PASS", "UNKNOWN"]);
    } finally {
      controller.abort();
      await site.closed;
    }
  });
});
