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

interface Sample {
  readonly pages: number;
  readonly megabytes: number;
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

function residentMegabytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

/** Memory at each finished zip code, until so many pages are read. */
async function sample(deployment: Deployment, pages: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  await deployment.startMiner();
  const pid = minerPid();
  let seen = 0;
  while (deployment.asked.length < pages) {
    const scraped = () => deployment.events.filter(({ event }) => event === "zip_code_scraped").length;
    await deployment.until(({ event }) => scraped() > seen || event === "finalized" || event === "epoch_failed");
    if (scraped() === seen) break;
    seen = scraped();
    samples.push({ pages: deployment.asked.length, megabytes: residentMegabytes(pid) });
    progress(`${deployment.asked.length} pages, ${seen} zip codes: ${Math.round(samples.at(-1)?.megabytes ?? 0)} MB`);
  }
  await deployment.killMiner();
  return samples;
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
const samples = await sample(deployment, pages);
/** The median of what was measured within a tenth before and after so many pages. */
const around = (count: number): number =>
  median(samples.filter((each) => Math.abs(each.pages - count) <= count / 10).map(({ megabytes }) => megabytes));
const [early, late] = [around(few), around(Math.min(pages, samples.at(-1)?.pages ?? 0))];
printTable(["pages", "resident memory, MB"], [[few, early], [pages, late]]); // prettier-ignore
printAims([{ what: `memory after ${pages} pages against after ${few}`, measured: late / early, bound: 1.2, is: "at most" }]); // prettier-ignore
keepResults("miner-memory", { samples, early, late });
