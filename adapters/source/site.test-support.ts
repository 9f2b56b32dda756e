/**
 * What the tests of sources share: a site on a free port, and a reader of pages without a browser.
 */
import { systemClock } from "../clock/system-clock.js";
import { ZipnetError } from "../../core/errors.js";
import type { PageReader } from "../../core/ports.js";
import { UNDISTURBED } from "./site/disturbances.js";
import { generatedHomes } from "./site/generated-homes.js";
import type { Homes } from "./site/home.js";
import { startSite } from "./site/server.js";
import type { RunningSite, SiteOptions } from "./site/server.js";

/** A site that has no disturbances unless told. Close it by `close`. */
export async function openTestSite(
  options: Partial<Omit<SiteOptions, "host" | "port">> = {},
): Promise<RunningSite & { readonly homes: Homes; close(): Promise<void> }> {
  const homes = options.homes ?? generatedHomes({ seed: "test", churnPerHourBps: 0 });
  const controller = new AbortController();
  const site = await startSite(
    {
      host: "127.0.0.1",
      port: 0,
      clock: systemClock,
      latencyMs: 0,
      ...UNDISTURBED,
      seed: "test",
      ...options,
      homes,
    },
    controller.signal,
  );
  return {
    ...site,
    homes,
    close: async () => {
      controller.abort();
      await site.closed;
    },
  };
}

/** A page reader over fetch. */
export const fetchPages: PageReader = {
  async read(url, signal) {
    signal.throwIfAborted();
    try {
      const response = await fetch(url, { signal });
      return { url, status: response.status, html: await response.text() };
    } catch (error) {
      signal.throwIfAborted();
      throw new ZipnetError("UNAVAILABLE", `no answer from ${url}`, {}, { cause: error });
    }
  },
  close: async () => {},
};

/** The zip code of a site's own list that has the most homes at a time (unix milliseconds). */
export function fullestZipCode(homes: Homes, timeMs: number): string {
  const counts = homes.zipCodes().map((zipCode) => ({ zipCode, count: homes.countOnMarket(zipCode, timeMs) }));
  return counts.reduce((best, next) => (next.count > best.count ? next : best)).zipCode;
}
