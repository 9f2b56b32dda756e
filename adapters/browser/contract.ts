/**
 * What every PageReader must keep.
 */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ZipnetError } from "../../core/errors.js";
import type { PageReader } from "../../core/ports.js";

const { signal } = new AbortController();

/** How a reader is to read. */
export interface ReaderOptions {
  readonly timeoutMs: number;
  readonly concurrency: number;
}

interface Seen {
  readonly path: string;
  readonly userAgent: string | undefined;
}

/** A server whose pages say who asked, and that keeps what was asked of it. */
export async function openServer(answer: (request: IncomingMessage, response: ServerResponse) => void) {
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

/** Answers with a page that loads a style, a picture and a script; /missing is missing. */
export function plain(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(request.url === "/missing" ? 404 : 200, { "content-type": "text/html; charset=utf-8" });
  response.end(
    '<!doctype html><title>é</title><link rel="stylesheet" href="/s.css"><img src="/i.png?x"><script src="/run.js"></script><p id=a>as sent',
  );
}

function isUnavailable(error: unknown): boolean {
  return error instanceof ZipnetError && error.reason === "UNAVAILABLE";
}

/** The suite. */
export function pageReaderContract(name: string, open: (options: ReaderOptions) => Promise<PageReader>): void {
  describe(`PageReader contract: ${name}`, function () {
    this.timeout(30_000);
    let server: Awaited<ReturnType<typeof openServer>>;
    let pages: PageReader;

    before(async () => {
      server = await openServer((request, response) => {
        if (request.url === "/cut-off") {
          response.writeHead(200, { "content-type": "text/html", "content-length": "1000" });
          response.write("<!doctype html><p>");
          setImmediate(() => response.destroy());
        } else if (request.url === "/busy") {
          response.writeHead(503, { "content-type": "text/html", "retry-after": "120" });
          response.end("<!doctype html><p>later");
        } else if (request.url !== "/silent") plain(request, response);
      });
      pages = await open({ timeoutMs: 10_000, concurrency: 2 });
    });
    after(async () => {
      await pages.close();
      await server.close();
    });

    it("gives the document as it was sent, with its status", async () => {
      const page = await pages.read(`${server.url}/a`, signal);
      assert.equal(page.status, 200);
      assert.equal(page.url, `${server.url}/a`);
      assert.match(page.html, /<title>é<\/title>.*<p id=a>as sent$/);
      assert.equal((await pages.read(`${server.url}/missing`, signal)).status, 404);
      assert.equal(page.retryAfterMs, undefined);
    });

    it("tells how long the site asks to be left alone", async () => {
      const { status, retryAfterMs } = await pages.read(`${server.url}/busy`, signal);
      assert.deepEqual([status, retryAfterMs], [503, 120_000]);
    });

    it("rejects with UNAVAILABLE when no answer comes, or none in time, or not all of it, and reads on", async () => {
      const hasty = await open({ timeoutMs: 300, concurrency: 2 });
      try {
        await assert.rejects(hasty.read(`${server.url}/silent`, signal), isUnavailable);
        await assert.rejects(hasty.read("http://127.0.0.1:9/", signal), isUnavailable);
      } finally {
        await hasty.close();
      }
      await assert.rejects(pages.read(`${server.url}/cut-off`, signal), isUnavailable);
      assert.equal((await pages.read(`${server.url}/a`, signal)).status, 200);
    });

    it("stops with the signal's reason, while reading and while waiting, and reads on", async () => {
      const single = await open({ timeoutMs: 10_000, concurrency: 1 });
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

    it("answers UNAVAILABLE once closed", async () => {
      const own = await open({ timeoutMs: 10_000, concurrency: 2 });
      await own.close();
      await assert.rejects(own.read(`${server.url}/a`, signal), isUnavailable);
    });
  });
}
