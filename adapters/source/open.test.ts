import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { findChromium } from "../browser/chromium.js";
import { systemClock } from "../clock/system-clock.js";
import type { SourceSettings } from "../settings/source-settings.js";
import { allPages } from "./contract.js";
import { openSource } from "./open.js";
import { openTestSite } from "./site.test-support.js";

const { signal } = new AbortController();

function settings(change: Partial<SourceSettings>): SourceSettings {
  const reading = { proxies: [], chromium: undefined, contact: "", pageTimeoutMs: 20_000, retries: 0 };
  const pace = { requestIntervalMs: 0, concurrency: 1 };
  return { source: "zillow-shape", reader: "http", sourceUrl: "http://127.0.0.1:1", ...reading, ...pace, ...change };
}

const hasChromium = ((): boolean => {
  try {
    findChromium();
    return true;
  } catch {
    return false;
  }
})();

async function idsRead(change: Partial<SourceSettings>): Promise<string[]> {
  const opened = await openSource(settings(change), { program: "test", seed: "", clock: systemClock });
  try {
    const pages = await allPages(
      opened.source((pages) => pages),
      "02169",
      signal,
    );
    return pages.flatMap((page) => page.listings.map(({ listingId }) => listingId));
  } finally {
    await opened.close();
  }
}

describe("openSource", () => {
  it("reads the same homes by either shape over HTTP", async () => {
    const site = await openTestSite();
    try {
      const byPages = await idsRead({ sourceUrl: site.url });
      assert.ok(byPages.length > 10);
      assert.deepEqual(await idsRead({ sourceUrl: site.url, reader: "auto" }), byPages);
      assert.deepEqual(await idsRead({ sourceUrl: site.url, source: "csv-export", reader: undefined }), byPages);
    } finally {
      await site.close();
    }
  });

  const title = "opens pages that a script fills in a browser, and only these, and no challenge";
  if (!hasChromium) it.skip(`${title} (skipped: found no Chromium)`);
  else {
    it(title, async () => {
      const site = await openTestSite();
      const agents: string[] = [];
      let challenges = false;
      // Sends the data of every page as a script that puts it there.
      const scripted = createServer((request, response) => {
        void (async () => {
          const html = await (await fetch(site.url + (request.url ?? ""))).text();
          const isPage = html.includes("__NEXT_DATA__");
          if (isPage) agents.push(request.headers["sec-ch-ua"] === undefined ? "http" : "browser");
          const data = Buffer.from(encodeURIComponent(html.replace(/^<!doctype html>/, ""))).toString("base64");
          const script = `<script>document.write(decodeURIComponent(atob("${data}")))</script>`;
          response.setHeader("content-type", isPage ? "text/html" : "text/plain");
          if (isPage && challenges) response.end('<html><div id="px-captcha"></div></html>');
          else response.end(isPage ? `<!doctype html><html><body>${script}</body></html>` : html);
        })();
      });
      await new Promise<void>((resolve) => scripted.listen(0, "127.0.0.1", resolve));
      const sourceUrl = `http://127.0.0.1:${(scripted.address() as AddressInfo).port}`;
      try {
        assert.deepEqual(await idsRead({ sourceUrl, reader: "auto" }), await idsRead({ sourceUrl: site.url }));
        assert.deepEqual(agents.slice(0, 2), ["http", "browser"]);
        await assert.rejects(idsRead({ sourceUrl, reader: "http" }), /__NEXT_DATA__ is missing/);
        challenges = true;
        agents.length = 0;
        await assert.rejects(idsRead({ sourceUrl, reader: "auto" }), /challenged the reader/);
        assert.deepEqual(agents, ["http"]);
      } finally {
        scripted.closeAllConnections();
        await new Promise((resolve) => scripted.close(resolve));
        await site.close();
      }
    }).timeout(40_000);
  }
});
