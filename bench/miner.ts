/**
 * The whole miner against a bare loop of the same reader over the same pages: `npm run bench:miner -- [--reader browser|http]
 * [--listings 3000] [--concurrency 2] [--rounds 3]`. bench/README.md says what is measured and how.
 */
import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { chromiumPages } from "../adapters/browser/chromium.js";
import type { Page } from "../core/ports.js";
import { OUTPUT } from "./harness/build.js";
import { keepResults, median, printAims, printTable, progress } from "./harness/report.js";
import { Deployment, MINERS } from "./miner/deployment.js";

interface Figures {
  readonly seconds: number;
  readonly pages: number;
  readonly listings: number;
}

/** Reads a page, and does nothing with it. */
interface BareReader extends AsyncDisposable {
  read(url: string): Promise<Pick<Page, "status">>;
}

async function bareBrowser(concurrency: number): Promise<BareReader> {
  const browser = await chromiumPages({ userAgent: "zipnet-bench/0", proxies: [], timeoutMs: 30_000, concurrency });
  const { signal } = new AbortController();
  return { read: (url) => browser.read(url, signal), [Symbol.asyncDispose]: () => browser.close() };
}

const bareFetch: BareReader = {
  async read(url) {
    const response = await fetch(url);
    await response.text();
    return response;
  },
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/** From taking the epoch up to the receipt. The browser runs by then. */
async function measureMiner(deployment: Deployment, name: string): Promise<Figures> {
  const before = deployment.asked.length;
  const starting = deployment.startMiner(name);
  await deployment.until(({ event }) => event === "epoch_started");
  const startMs = performance.now();
  await starting;
  const { facts } = await deployment.until(({ event }) => event === "finalized" || event === "epoch_failed");
  const seconds = (performance.now() - startMs) / 1000;
  if (facts["listings"] === undefined) throw new Error(`the epoch failed: ${String(facts["reason"])}`);
  await deployment.killMiner();
  return { seconds, pages: deployment.asked.length - before, listings: Number(facts["listings"]) };
}

/** As many loops as the miner reads pages at a time. */
async function measureBareLoop(reader: BareReader, urls: readonly string[], concurrency: number): Promise<number> {
  const rest = [...urls];
  const startMs = performance.now();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (let url = rest.shift(); url !== undefined; url = rest.shift()) {
        const { status } = await reader.read(url);
        if (status !== 200) throw new Error(`${url} answered ${status}`);
      }
    }),
  );
  return (performance.now() - startMs) / 1000;
}

const { values } = parseArgs({
  options: {
    reader: { type: "string", default: "browser" },
    listings: { type: "string", default: "3000" },
    concurrency: { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
  },
});
const concurrency = Number(values.concurrency);
const reader = values.reader === "http" ? "http" : "browser";
mkdirSync(OUTPUT, { recursive: true });
await using deployment = await Deployment.open({ listings: Number(values.listings), concurrency, reader });
const miners: Figures[] = [];
const bares: Figures[] = [];
for (const name of MINERS.slice(0, Number(values.rounds))) {
  const before = deployment.asked.length;
  progress(`the miner ${name}`);
  const miner = await measureMiner(deployment, name);
  miners.push(miner);
  const urls = deployment.asked.slice(before).map((path) => `${deployment.frontUrl}${path}`);
  progress("the bare loop");
  await using bare = reader === "http" ? bareFetch : await bareBrowser(concurrency);
  bares.push({ ...miner, pages: urls.length, seconds: await measureBareLoop(bare, urls, concurrency) });
}
const perSecond = ({ listings, seconds }: Figures): number => listings / seconds;
const rows = miners.flatMap((miner, round) => {
  const bare = bares[round] ?? miner;
  return [
    { name: `round ${round + 1}: the whole miner`, ...miner },
    { name: "a bare loop", ...bare },
  ];
});
printTable(
  ["", "seconds", "pages", "listings", "listings per second"],
  rows.map((figures) => [figures.name, figures.seconds, figures.pages, figures.listings, perSecond(figures)]),
);
const ratio = median(miners.map((miner, round) => perSecond(miner) / perSecond(bares[round] ?? miner)));
const bound = reader === "http" ? 0.7 : 0.9;
printAims([{ what: `the whole miner against a bare loop (${reader})`, measured: ratio, bound, is: "at least" }]);
keepResults(`miner-${reader}`, { concurrency, miners, bares, ratio });
