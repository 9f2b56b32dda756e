/**
 * A miner that is killed by SIGKILL at random moments of an epoch, with Chromium and, where it can be started, Ceph's
 * radosgw: `npm run bench:miner-kills -- [--listings 10000] [--kills 10] [--seed 1]`. Ends with exit code 1 unless the
 * submission is what the site shows and no page of a finished zip code was asked for again.
 */
import { parseArgs } from "node:util";
import { fromJson } from "@bufbuild/protobuf";
import { listingFiles } from "../adapters/parquet/listing-files.js";
import { systemClock } from "../adapters/clock/system-clock.js";
import { s3Objects } from "../adapters/objects/s3/s3-objects.js";
import { parseS3Url } from "../adapters/objects/s3/s3-url.js";
import { folderState } from "../adapters/state/folder-state.js";
import { randomSequence } from "../core/random.js";
import { ListingSchema } from "../gen/zipnet/v1/listing_pb.js";
import { heldReceipts } from "../miner/inspect/status.js";
import { startRadosgw } from "../test/parts/radosgw.js";
import { progress, say } from "./harness/report.js";
import { Deployment } from "./miner/deployment.js";

/** A life of the miner ends after so many pages at most, and a page is asked for twice when it was not kept yet. */
async function killAgainAndAgain(deployment: Deployment, kills: number, pagesPerLife: number, seed: string) {
  const random = randomSequence(new TextEncoder().encode(seed));
  let repeatedOfFinished = 0;
  for (let life = 0; life <= kills; life += 1) {
    const finished = new Set(deployment.events.filter(({ event }) => event === "zip_code_scraped").map(({ facts }) => String(facts["zip_code"]))); // prettier-ignore
    const before = deployment.asked.length;
    await deployment.startMiner();
    if (life < kills) {
      const last = before + 1 + random.below(Math.ceil(2 * pagesPerLife));
      await deployment.until(({ event }) => deployment.asked.length >= last || event === "finalized");
      await deployment.killMiner();
    } else {
      await deployment.until(({ event }) => event === "finalized" || event === "epoch_failed");
    }
    const again = deployment.asked.slice(before).filter((path) => finished.has(path.slice("/homes/".length, "/homes/".length + 5))); // prettier-ignore
    repeatedOfFinished += again.length;
    progress(`life ${life + 1}: ${deployment.asked.length - before} pages, ${finished.size} zip codes finished before`);
  }
  return repeatedOfFinished;
}

/** Listings of the submission, and how many of them or of the site's are not the other's. */
async function compare(deployment: Deployment, read: (key: string) => Promise<Uint8Array | undefined>) {
  const [held] = await heldReceipts(folderState(`${deployment.dir}/swift`), 1);
  let rows = 0;
  let different = 0;
  for (const { key, zipCode } of held?.manifest?.objects ?? []) {
    const { listings } = await listingFiles().decode((await read(key)) ?? new Uint8Array());
    const answer = await fetch(`${deployment.siteUrl}/truth/${zipCode}.json`);
    const truth = ((await answer.json()) as Parameters<typeof fromJson>[1][]).map((json) =>
      fromJson(ListingSchema, json),
    );
    const textOf = ({ listingId, priceUsd }: { listingId: string; priceUsd: number }) => `${listingId} ${priceUsd}`;
    const [found, shown] = [new Set(listings.map(textOf)), new Set(truth.map(textOf))];
    rows += listings.length;
    different += [...found].filter((text) => !shown.has(text)).length;
    different += [...shown].filter((text) => !found.has(text)).length;
  }
  return { zipCodes: held?.manifest?.objects.length ?? 0, rows, different };
}

const { values } = parseArgs({
  options: {
    listings: { type: "string", default: "10000" },
    kills: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
  },
});
const [listings, kills] = [Number(values.listings), Number(values.kills)];
const gateway = await startRadosgw();
if ("missing" in gateway) throw new Error(gateway.missing);
try {
  await using deployment = await Deployment.open({ listings, concurrency: 2, objects: gateway.url });
  // Some 41 listings stand on a page.
  const repeatedOfFinished = await killAgainAndAgain(deployment, kills, listings / 41 / (kills + 1), values.seed);
  const store = s3Objects(parseS3Url(gateway.url), systemClock);
  const { zipCodes, rows, different } = await compare(deployment, (key) => store.get(key));
  const repeated = deployment.asked.length - new Set(deployment.asked).size;
  say(`${kills} kills: ${rows} listings of ${zipCodes} zip codes submitted, ${different} differ from the site's`);
  say(`${deployment.asked.length} pages asked for, ${repeated} of them again, ${repeatedOfFinished} of finished zip codes`); // prettier-ignore
  if (rows === 0 || different > 0 || repeatedOfFinished > 0) process.exitCode = 1;
} finally {
  await gateway.stop();
}
