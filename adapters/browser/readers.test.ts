import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { ZipnetError } from "../../core/errors.js";
import type { Page, PageReader } from "../../core/ports.js";
import { chromiumPages, findChromium } from "./chromium.js";
import type { ChromiumOptions } from "./chromium.js";
import { openServer, pageReaderContract, plain } from "./contract.js";
import { httpFirstPages } from "./http-first.js";
import { httpPages } from "./http-pages.js";
import { slots } from "./slots.js";

const { signal } = new AbortController();
const USER_AGENT = "zipnet-test/0 (+https://zipnet.example)";

const executablePath = ((): string | undefined => {
  try {
    return findChromium();
  } catch {
    return undefined;
  }
})();

describe("slots", () => {
  it("let in as many as there are, then whoever waits longest", async () => {
    const limit = slots(2);
    const first = await limit.take(signal);
    await limit.take(signal);
    const order: string[] = [];
    const third = limit.take(signal).then((release) => (order.push("third"), release));
    const aborted = new AbortController();
    const gone = limit.take(aborted.signal);
    const fourth = limit.take(signal).then((release) => (order.push("fourth"), release));
    aborted.abort(new Error("gone"));
    await assert.rejects(gone, /gone/);
    assert.deepEqual(order, []);
    first();
    (await third)();
    (await fourth)();
    assert.deepEqual(order, ["third", "fourth"]);
    (await limit.take(signal))();
  });
});

describe("findChromium", () => {
  it("says what to do when the configured one is not there", () => {
    assert.throws(() => findChromium("/nonexistent/chromium"), /\/nonexistent\/chromium.*ZIPNET_CHROMIUM/);
  });
});

describe("httpPages", () => {
  it("says who it is, plainly", async () => {
    const server = await openServer(plain);
    const pages = httpPages({ userAgent: USER_AGENT, timeoutMs: 10_000 });
    try {
      await pages.read(`${server.url}/a`, signal);
      assert.deepEqual(server.seen, [{ path: "/a", userAgent: USER_AGENT }]);
    } finally {
      await pages.close();
      await server.close();
    }
  });
});

describe("httpFirstPages", () => {
  function reader(name: string, read: string[]): PageReader {
    return {
      read: (url) => {
        read.push(`${name} ${url}`);
        return Promise.resolve({ url, status: 200, html: name === "http" && url.startsWith("bare") ? "" : "data" });
      },
      close: () => Promise.resolve(void read.push(`${name} closed`)),
    };
  }

  function setUp(problem?: Error) {
    const read: string[] = [];
    let problems = problem === undefined ? 0 : 1;
    const pages = httpFirstPages({
      http: reader("http", read),
      openBrowser: () => {
        read.push("opened");
        return problems-- > 0 ? Promise.reject(problem) : Promise.resolve(reader("browser", read));
      },
      needsBrowser: (page: Page) => page.html === "",
    });
    return { pages, read };
  }

  it("opens no browser while HTTP gives what is needed, one for what it does not give, and asks a bare site once", async () => {
    const { pages, read } = setUp();
    for (const url of ["a", "bare1", "b", "bare2", "bare3", "bare4", "bare5"]) {
      assert.equal((await pages.read(url, signal)).html, "data");
    }
    await pages.close();
    assert.deepEqual(read, [
      "http a",
      "http bare1",
      "opened",
      "browser bare1",
      "http b",
      ...["bare2", "bare3", "bare4"].flatMap((url) => [`http ${url}`, `browser ${url}`]),
      "browser bare5",
      "http closed",
      "browser closed",
    ]);
  });

  it("tries to open the browser again after it failed", async () => {
    const { pages } = setUp(new Error("no browser"));
    await assert.rejects(pages.read("bare1", signal), /no browser/);
    assert.equal((await pages.read("bare1", signal)).html, "data");
  });
});

pageReaderContract("HTTP", (options) => Promise.resolve(httpPages({ userAgent: USER_AGENT, ...options })));

const title = "chromiumPages";
if (executablePath === undefined) it.skip(`${title} (skipped: found no Chromium)`);
else {
  pageReaderContract("Chromium", (options) => chromiumPages({ userAgent: USER_AGENT, proxies: [], ...options }));

  describe(title, function () {
    this.timeout(30_000);
    let server: Awaited<ReturnType<typeof openServer>>;
    let pages: PageReader;

    before(async () => {
      server = await openServer((request, response) => {
        if (request.url !== "/silent") plain(request, response);
      });
      pages = await open({});
    });
    after(async () => {
      await pages.close();
      await server.close();
    });

    function open(more: Partial<ChromiumOptions>): Promise<PageReader> {
      return chromiumPages({ userAgent: USER_AGENT, proxies: [], timeoutMs: 10_000, ...more });
    }

    it("says who it is, plainly, and loads no pictures and styles", async () => {
      server.seen.length = 0;
      await pages.read(`${server.url}/b`, signal);
      await pages.read(`${server.url}/c`, signal);
      assert.deepEqual(
        server.seen.filter(({ path }) => /\.(css|png)/.test(path)),
        [],
      );
      assert.ok(server.seen.some(({ path }) => path === "/run.js"));
      for (const { userAgent } of server.seen) assert.equal(userAgent, USER_AGENT);
    });

    it("starts the browser again when it has died", async function () {
      if (process.platform !== "linux") this.skip();
      const others = new Set(childProcesses());
      const own = await open({});
      try {
        await own.read(`${server.url}/a`, signal);
        const browsers = childProcesses().filter((pid) => !others.has(pid));
        assert.equal(browsers.length, 1);
        for (const pid of browsers) process.kill(pid, "SIGKILL");
        // The read that meets the dying browser may fail; one of the next finds a new one.
        let status = 0;
        for (let tries = 0; tries < 20 && status === 0; tries += 1) {
          status = await own.read(`${server.url}/a`, signal).then(
            (page) => page.status,
            (error) => (assert.ok(isUnavailable(error)), 0),
          );
        }
        assert.equal(status, 200);
      } finally {
        await own.close();
      }
    });

    it("reads through its proxies in turn", async () => {
      const proxies = await Promise.all([openServer(plain), openServer(plain)]);
      const through = await open({ proxies: proxies.map(({ url }) => url) });
      try {
        // An address that only a proxy can answer for.
        for (let i = 0; i < 4; i += 1) await through.read(`http://homes.example/${i}`, signal);
        const asked = proxies.map(({ seen }) =>
          seen.filter(({ path }) => /\/\d$/.test(path)).map(({ path }) => path.at(-1)),
        );
        assert.deepEqual(asked, [
          ["0", "2"],
          ["1", "3"],
        ]);
      } finally {
        await through.close();
        for (const proxy of proxies) await proxy.close();
      }
    });

    it("gives the document as scripts have made it, where that is asked for", async () => {
      const scripted = await openServer((_request, response) => {
        response.setHeader("content-type", "text/html");
        response.end("<html><body><script>document.body.append('made ' + 'here')</script></body></html>");
      });
      const rendering = await open({ document: "rendered" });
      try {
        assert.match((await rendering.read(`${scripted.url}/`, signal)).html, /<\/script>made here<\/body><\/html>$/);
        assert.doesNotMatch((await pages.read(`${scripted.url}/`, signal)).html, /made here/);
      } finally {
        await rendering.close();
        await scripted.close();
      }
    });
  });
}

/** Ids of the processes that this one has started and that still run. */
function childProcesses(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const [, state, parent] = /\) (\S) (\d+)/.exec(readFileSync(`/proc/${name}/stat`, "utf8")) ?? [];
        return Number(parent) === process.pid && state !== "Z" ? [Number(name)] : [];
      } catch {
        return [];
      }
    });
}

function isUnavailable(error: unknown): boolean {
  return error instanceof ZipnetError && error.reason === "UNAVAILABLE";
}
