/**
 * The whole miner against a bare loop of the same browser over the same pages: `npm run bench:miner -- [--listings 3000]
 * [--concurrency 2]`. bench/README.md says what is measured and how.
 */
import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { chromiumPages } from "../adapters/browser/chromium.js";
import { OUTPUT } from "./harness/build.js";
import { keepResults, printAims, printTable, progress } from "./harness/report.js";
import { Deployment } from "./miner/deployment.js";

interface Figures {
  readonly seconds: number;
  readonly pages: number;
  readonly listings: number;
}

/** From taking the epoch up to the receipt. The browser runs by then. */
async function measureMiner(deployment: Deployment): Promise<Figures> {
  const starting = deployment.until(({ event }) => event === "epoch_started").then(() => performance.now());
  await deployment.startMiner();
  const startMs = await starting;
  const { facts } = await deployment.until(({ event }) => event === "finalized" || event === "epoch_failed");
  if (facts["listings"] === undefined) throw new Error(`the epoch failed: ${String(facts["reason"])}`);
  const seconds = (performance.now() - startMs) / 1000;
  return { seconds, pages: deployment.asked.length, listings: Number(facts["listings"]) };
}

/** As many loops as the miner reads pages at a time, over the pages that it asked for. */
async function measureBareLoop(urls: readonly string[], listings: number, concurrency: number): Promise<Figures> {
  const browser = await chromiumPages({ userAgent: "zipnet-bench/0", proxies: [], timeoutMs: 30_000, concurrency });
  const { signal } = new AbortController();
  const rest = [...urls];
  try {
    const startMs = performance.now();
    await Promise.all(
      Array.from({ length: concurrency }, async () => {
        for (let url = rest.shift(); url !== undefined; url = rest.shift()) await browser.read(url, signal);
      }),
    );
    return { seconds: (performance.now() - startMs) / 1000, pages: urls.length, listings };
  } finally {
    await browser.close();
  }
}

const { values } = parseArgs({
  options: { listings: { type: "string", default: "3000" }, concurrency: { type: "string", default: "2" } },
});
const concurrency = Number(values.concurrency);
mkdirSync(OUTPUT, { recursive: true });
await using deployment = await Deployment.open({ listings: Number(values.listings), concurrency });
progress("the miner");
const miner = await measureMiner(deployment);
await deployment.killMiner();
progress("the bare loop");
const urls = deployment.asked.map((path) => `${deployment.frontUrl}${path}`);
const bare = await measureBareLoop(urls, miner.listings, concurrency);
const perSecond = ({ listings, seconds }: Figures): number => listings / seconds;
printTable(
  ["", "seconds", "pages", "listings", "listings per second"],
  Object.entries({ "the whole miner": miner, "a bare loop": bare }).map(([name, figures]) => [
    name,
    figures.seconds,
    figures.pages,
    figures.listings,
    perSecond(figures),
  ]),
);
const ratio = perSecond(miner) / perSecond(bare);
printAims([{ what: "the whole miner against a bare loop", measured: ratio, bound: 0.9, is: "at least" }]);
keepResults("miner", { concurrency, miner, bare, ratio });
