/**
 * What a miner's memory is after many pages, against after few: `npm run bench:miner-memory -- [--pages 10000] [--few 1000]`.
 * bench/README.md says what is measured and how.
 */
import { readFileSync, readdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { keepResults, median, printAims, printTable, progress } from "./harness/report.js";
import { Deployment } from "./miner/deployment.js";

/** Homes of a zip code: more than one search shows, so that searches are split, too. */
const HOMES = 1_200;
/** Listings that the epoch expects for each page that is to be read; a page shows 41 at most, and some are read for the split. */
const LISTINGS_PER_PAGE = 34;

const MEMORY_ON_SIGNAL = new URL("miner/memory-on-signal.mjs", import.meta.url).href;

interface Sample {
  readonly pages: number;
  readonly residentMb: number;
  /** Of the heap and of buffers. */
  readonly usedMb: number;
}

/** Process id of the miner, which this process has started. */
function minerPid(): number {
  const pid = readdirSync("/proc").find((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${name}/status`, "utf8"))?.[1];
      return Number(parent) === process.pid && readFileSync(`/proc/${name}/cmdline`, "utf8").endsWith("\0miner\0");
    } catch {
      return false; // It ended meanwhile.
    }
  });
  if (pid === undefined) throw new Error("the miner does not run");
  return Number(pid);
}

/** What the miner holds once its garbage is collected. */
async function measure(deployment: Deployment, pid: number): Promise<Sample> {
  const count = (): number => deployment.events.filter(({ event }) => event === "memory").length;
  const before = count();
  process.kill(pid, "SIGUSR2");
  const { facts } = await deployment.until(({ event }) => event === "memory" && count() > before);
  return { pages: deployment.asked.length, residentMb: megabytes(facts["rss"]), usedMb: megabytes(facts["used"]) };
}

function megabytes(bytes: unknown): number {
  return Number(bytes) / 1_048_576;
}

/** Memory whenever a zip code is finished near to one of the numbers of pages. */
async function sample(deployment: Deployment, counts: readonly number[]): Promise<Sample[]> {
  const samples: Sample[] = [];
  const most = Math.max(...counts);
  const scraped = (): number => deployment.events.filter(({ event }) => event === "zip_code_scraped").length;
  await deployment.startMiner(undefined, { NODE_OPTIONS: `--import ${MEMORY_ON_SIGNAL}` });
  const pid = minerPid();
  for (let seen = 0; deployment.asked.length < most; seen = scraped()) {
    await deployment.until(({ event }) => scraped() > seen || event === "finalized" || event === "epoch_failed");
    if (scraped() === seen) break;
    if (!counts.some((count) => isNear(deployment.asked.length, count))) continue;
    samples.push(await measure(deployment, pid));
    progress(JSON.stringify(samples.at(-1)));
  }
  await deployment.killMiner();
  return samples;
}

/** Within a tenth before. */
function isNear(pages: number, count: number): boolean {
  return pages > count * 0.9 && pages <= count;
}

const { values } = parseArgs({
  options: { pages: { type: "string", default: "10000" }, few: { type: "string", default: "1000" } },
});
const [pages, few] = [Number(values.pages), Number(values.few)];
await using deployment = await Deployment.open({
  listings: Math.round(pages * LISTINGS_PER_PAGE),
  concurrency: 4,
  reader: "http",
  homesPerZipCode: HOMES,
});
const samples = await sample(deployment, [few, pages]);
const near = (count: number) => samples.filter((each) => isNear(each.pages, count));
const rows = [few, pages].map((count) => ({
  count,
  residentMb: median(near(count).map(({ residentMb }) => residentMb)),
  usedMb: median(near(count).map(({ usedMb }) => usedMb)),
}));
printTable(["pages", "resident, MB", "in use, MB"], rows.map(({ count, residentMb, usedMb }) => [count, residentMb, usedMb])); // prettier-ignore
const [early, late] = rows;
const ratio = (late?.residentMb ?? Number.NaN) / (early?.residentMb ?? Number.NaN);
printAims([{ what: `resident memory after ${pages} pages against after ${few}`, measured: ratio, bound: 1.2, is: "at most" }]); // prettier-ignore
keepResults("miner-memory", { samples, rows, ratio });
