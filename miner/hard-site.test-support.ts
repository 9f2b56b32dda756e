/**
 * The miner's own parts (source, manners, HTTP reader, page memory, uploads into a folder) before a site that misbehaves
 * at stated rates, by a seed. Time is the world's, so that hours of pauses pass in seconds; only what the site leaves
 * unanswered takes real time.
 */
import assert from "node:assert/strict";
import { listingFiles } from "../adapters/parquet/listing-files.js";
import { readSettings } from "../adapters/settings/settings.js";
import { openSource } from "../adapters/source/open.js";
import { type Disturbances, UNDISTURBED } from "../adapters/source/site/disturbances.js";
import type { AskedPage } from "../adapters/source/site/server.js";
import { openTestSite } from "../adapters/source/site.test-support.js";
import { memoryState } from "../adapters/state/memory-state.js";
import type { PageReader } from "../core/ports.js";
import { SETTINGS } from "./config.js";
import { type RunningMiner, startMiner } from "./run.test-support.js";
import { type World, startWorld } from "./world.test-support.js";

/** The configured distance between two requests. */
const INTERVAL_MS = 500;
/** Requests that are under way at one time: the world's time goes by while they do, so that they may arrive together. */
const CONCURRENCY = 2;
/** The miner's settings that have defaults. */
const { serverUrl: _url, serverHotkey: _hotkey, wallet: _wallet, stateDir: _dir, ...OWN_SETTINGS } = SETTINGS;

/** A request that reached the site. */
export interface Asked extends AskedPage {
  /** The world's time, in unix milliseconds. */
  readonly timeMs: number;
}

/** A miner at work. */
export interface HardWorld {
  readonly world: World;
  readonly miner: RunningMiner;
  /** Pages that the site was asked for, oldest first. */
  readonly asked: readonly Asked[];
  /** The assignment. */
  readonly zipCodes: readonly string[];
  /** Zip codes of the submission. Fails where one differs from what the site shows. */
  submitted(): Promise<string[]>;
}

/** What a test chooses. */
export interface HardSite {
  readonly source: "zillow-shape" | "csv-export";
  readonly rates?: Partial<Disturbances>;
  readonly zipCodes: number;
  /** Put around the reader of pages. */
  readonly between?: (pages: PageReader) => PageReader;
}

/** Runs a miner that reads a site over HTTP. */
export async function withHardSite(
  { source, rates, zipCodes: count, between = (pages) => pages }: HardSite,
  use: (under: HardWorld) => Promise<void>,
): Promise<void> {
  const world = await startWorld();
  const asked: Asked[] = [];
  const onPage = (page: AskedPage): void => void asked.push({ ...page, timeMs: world.clock.now() });
  const site = await openTestSite({ clock: world.clock, seed: "hard", ...UNDISTURBED, ...rates, onPage });
  const nowMs = world.clock.now();
  const countOf = (zipCode: string): number => site.homes.countOnMarket(zipCode, nowMs);
  // Searches of some pages each.
  const zipCodes = site.homes.zipCodes().filter((zipCode) => countOf(zipCode) > 100).slice(0, count).toSorted(); // prettier-ignore
  const textOf = (listing: { listingId: string; priceUsd: number }): string =>
    `${listing.listingId} ${listing.priceUsd}`;
  const raw = {
    ZIPNET_SOURCE: source,
    ZIPNET_READER: "http",
    ZIPNET_SOURCE_URL: site.url,
    ZIPNET_PAGE_TIMEOUT_MS: "1000",
    ZIPNET_REQUEST_INTERVAL_MS: String(INTERVAL_MS),
    ZIPNET_CONCURRENCY: String(CONCURRENCY),
  };
  const user = { program: "miner", seed: "", clock: world.clock };
  const opened = await openSource(readSettings(OWN_SETTINGS, raw), user);
  const miner = startMiner(
    world,
    { state: memoryState(), source: (around) => opened.source((pages) => around(between(pages))) },
    { concurrency: CONCURRENCY + 1, checkSource: true },
  );
  try {
    const assigned = world.epoch(0, zipCodes, countOf);
    await miner.deliver({ kind: "epoch", ...assigned });
    await use({
      world,
      miner,
      asked,
      zipCodes,
      async submitted() {
        const objects = world.submissions.get(assigned.epoch.id)?.manifest.objects ?? [];
        for (const { key, zipCode } of objects) {
          const { listings } = await listingFiles().decode((await world.objects.get(key)) ?? assert.fail(key));
          const truth = site.homes.onMarket(zipCode, nowMs).map(({ listing }) => textOf(listing));
          assert.deepEqual(listings.map(textOf).toSorted(), truth.toSorted(), zipCode);
        }
        return objects.map(({ zipCode }) => zipCode);
      },
    });
  } finally {
    await miner.stop();
    await opened.close();
    await site.close();
    await world.close();
  }
}

/** At no time more requests than the configured distance between two of them allows. */
export function assertWithinRate(asked: readonly Asked[]): void {
  const times = asked.map(({ timeMs }) => timeMs);
  for (const intervals of [10, 40]) {
    const windowMs = intervals * INTERVAL_MS;
    const counts = times.map((start) => times.filter((time) => time >= start && time < start + windowMs).length);
    const most = Math.max(...counts);
    assert.ok(most <= intervals + CONCURRENCY, `${most} requests within ${intervals} intervals`);
  }
}
