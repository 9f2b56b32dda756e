import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ZipnetError } from "../../core/errors.js";
import type { PageReader } from "../../core/ports.js";
import { chromiumPages, findChromium } from "./chromium.js";
import type { ChromiumOptions } from "./chromium.js";
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

interface Seen {
  readonly path: string;
  readonly userAgent: string | undefined;
}

/** A server whose pages say who asked, and that keeps what was asked of it. */
async function openServer(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const seen: Seen[] = [];
  const server: Server = createServer((request, response) => {
    seen.push({ path: request.url ?? "", userAgent: request.headers["user-agent"] });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    seen,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function plain(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(request.url === "/missing" ? 404 : 200, { "content-type": "text/html; charset=utf-8" });
  response.end(
    '<!doctype html><title>é</title><link rel="stylesheet" href="/s.css"><img src="/i.png?x"><script src="/run.js"></script><p id=a>as sent',
  );
}

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

const title = "chromiumPages";
if (executablePath === undefined) it.skip(`${title} (skipped: found no Chromium)`);
else {
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

    it("gives the document as it was sent, with its status", async () => {
      const page = await pages.read(`${server.url}/a`, signal);
      assert.equal(page.status, 200);
      assert.equal(page.url, `${server.url}/a`);
      assert.match(page.html, /<title>é<\/title>.*<p id=a>as sent$/);
      assert.equal((await pages.read(`${server.url}/missing`, signal)).status, 404);
    });

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

    it("rejects with UNAVAILABLE when no answer comes, or none in time, and reads on", async () => {
      const hasty = await open({ timeoutMs: 300 });
      try {
        await assert.rejects(hasty.read(`${server.url}/silent`, signal), isUnavailable);
        await assert.rejects(hasty.read("http://127.0.0.1:9/", signal), isUnavailable);
      } finally {
        await hasty.close();
      }
      assert.equal((await pages.read(`${server.url}/a`, signal)).status, 200);
    });

    it("stops with the signal's reason, while reading and while waiting, and reads on", async () => {
      const single = await open({ concurrency: 1 });
      try {
        const controller = new AbortController();
        const reading = single.read(`${server.url}/silent`, controller.signal);
        const waiting = single.read(`${server.url}/a`, controller.signal);
        controller.abort(new Error("enough"));
        await Promise.all([assert.rejects(reading, /enough/), assert.rejects(waiting, /enough/)]);
        assert.equal((await single.read(`${server.url}/a`, signal)).status, 200);
      } finally {
        await single.close();
      }
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

    it("answers UNAVAILABLE once closed", async () => {
      const own = await open({});
      await own.close();
      await assert.rejects(own.read(`${server.url}/a`, signal), isUnavailable);
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
