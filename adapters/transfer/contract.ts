import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import type { Transfer } from "../../core/ports.js";

const never = new AbortController().signal;
const CONTENT = new Uint8Array(100_000).fill(7);

/** What every transfer keeps. create makes one that gives up after timeoutMs. */
export function transferContract(name: string, create: (timeoutMs: number) => Transfer): void {
  describe(`transfer contract: ${name}`, () => {
    const transfer = create(10_000);
    let server: Server;
    let base: string;
    let serve: (request: IncomingMessage, response: ServerResponse) => void;
    beforeEach(async () => {
      server = createServer((request, response) => serve(request, response));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterEach(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });

    /** Rejects with the reason, and never names the query. */
    async function assertFails(call: Promise<unknown>, reason: string): Promise<void> {
      await assert.rejects(call, (error: Error & { reason?: string }) => {
        assert.equal(error.reason, reason, error.message);
        const told = [error.message, error.stack, JSON.stringify(error), String(error.cause)].join("\n");
        assert.doesNotMatch(told, /hush/);
        return true;
      });
    }

    it("puts the bytes with the headers and their length, and tells the answer whatever it is", async () => {
      const seen: { headers: IncomingMessage["headers"]; sizeBytes: number }[] = [];
      serve = (request, response) => {
        let sizeBytes = 0;
        request.on("data", (chunk: Buffer) => (sizeBytes += chunk.length));
        request.on("end", () => {
          seen.push({ headers: request.headers, sizeBytes });
          response.writeHead(412).end("taken");
        });
      };
      const headers = [
        { name: "content-type", value: "a/b" },
        { name: "if-none-match", value: "*" },
      ];
      const answer = await transfer.put(`${base}/a?signature=hush`, headers, CONTENT, never);
      assert.deepEqual(answer, { status: 412, text: "taken" });
      assert.equal(seen[0]?.sizeBytes, CONTENT.length);
      assert.equal(seen[0]?.headers["content-length"], String(CONTENT.length));
      assert.equal(seen[0]?.headers["content-type"], "a/b");
      assert.equal(seen[0]?.headers["if-none-match"], "*");
    });

    it("gets the bytes, as many as agreed and no more", async () => {
      serve = (_request, response) => void response.end(CONTENT);
      assert.deepEqual(await transfer.get(`${base}/a?signature=hush`, CONTENT.length, never), CONTENT);
      await assertFails(transfer.get(`${base}/a?signature=hush`, CONTENT.length - 1, never), "OBJECT_DIFFERS");
    });

    it("goes on where a download broke off, or begins anew where the server knows no parts", async () => {
      const long = Uint8Array.from({ length: 1_000_000 }, (_, index) => index % 251);
      for (const [knowsParts, tries] of [
        [true, 3],
        [false, 2],
      ] as const) {
        const asked: (string | undefined)[] = [];
        serve = (request, response) => {
          asked.push(request.headers.range);
          const from = knowsParts ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0) : 0;
          const range = `bytes ${from}-${long.length - 1}/${long.length}`;
          response.writeHead(from > 0 ? 206 : 200, {
            "content-length": long.length - from,
            ...(from > 0 ? { "content-range": range } : {}),
          });
          if (asked.length === tries) response.end(long.subarray(from));
          else response.write(long.subarray(from, from + 300_000), () => response.destroy());
        };
        assert.deepEqual(await transfer.get(`${base}/a?signature=hush`, long.length, never), long);
        assert.equal(asked.length, tries);
        const [first, ...later] = asked;
        assert.equal(first, undefined);
        for (const range of later) assert.match(range ?? "", /^bytes=[1-9]\d{4,}-$/);
      }
    });

    it("does not go on with another part than it asked for", async () => {
      let asked = 0;
      serve = (_request, response) => {
        asked += 1;
        if (asked > 1) return void response.writeHead(206, { "content-range": "bytes 0-9/300000" }).end("0123456789");
        response.writeHead(200, { "content-length": 300_000 });
        response.write(CONTENT, () => response.destroy());
      };
      await assertFails(transfer.get(`${base}/a?signature=hush`, 300_000, never), "UNAVAILABLE");
      assert.equal(asked, 2);
    });

    it("does not read on when the content is longer than agreed", async () => {
      let noteGone: () => void;
      const gone = new Promise<void>((resolve) => (noteGone = resolve));
      serve = (_request, response) => {
        const more = (): void => {
          while (!response.destroyed && response.write(CONTENT));
        };
        response.on("drain", more).on("close", () => noteGone());
        more();
      };
      await assertFails(transfer.get(`${base}/endless?signature=hush`, 1_000_000, never), "OBJECT_DIFFERS");
      await gone;
    });

    it("does not unpack", async () => {
      const bomb = gzipSync(new Uint8Array(1_000_000));
      let asked: string | undefined;
      serve = (request, response) => {
        asked = String(request.headers["accept-encoding"]);
        response.writeHead(200, { "content-encoding": "gzip" }).end(bomb);
      };
      await assertFails(transfer.get(`${base}/bomb?signature=hush`, 10_000, never), "OBJECT_DIFFERS");
      assert.equal(asked, "identity");
    });

    it("tells an object that is not there from a service that is not", async () => {
      for (const [status, reason] of Object.entries({
        204: "OBJECT_MISSING",
        302: "OBJECT_MISSING",
        403: "OBJECT_MISSING",
        404: "OBJECT_MISSING",
        429: "UNAVAILABLE",
        500: "UNAVAILABLE",
        503: "UNAVAILABLE",
      })) {
        serve = (_request, response) => void response.writeHead(Number(status), { location: "/elsewhere" }).end();
        await assertFails(transfer.get(`${base}/a?signature=hush`, 10, never), reason);
      }
    });

    it("is UNAVAILABLE when no answer, or half of one, came", async () => {
      serve = (request) => void request.socket.destroy();
      await assertFails(transfer.get(`${base}/a?signature=hush`, 10, never), "UNAVAILABLE");
      await assertFails(transfer.put(`${base}/a?signature=hush`, [], CONTENT, never), "UNAVAILABLE");
      serve = (_request, response) => {
        response.writeHead(200, { "content-length": "100" });
        response.write("half", () => response.destroy());
      };
      await assertFails(transfer.get(`${base}/a?signature=hush`, 1_000, never), "UNAVAILABLE");
      for (const bad of ["hush", "http://", "http://user:hush@127.0.0.1:1/", "ftp://127.0.0.1/?hush"]) {
        await assertFails(transfer.get(bad, 10, never), "UNAVAILABLE");
        await assertFails(transfer.put(bad, [], CONTENT, never), "UNAVAILABLE");
      }
    });

    it("gives up on a server that stays silent, or stops in the middle", async () => {
      const hasty = create(200);
      serve = () => undefined;
      await assertFails(hasty.get(`${base}/a?signature=hush`, 10, never), "UNAVAILABLE");
      await assertFails(hasty.put(`${base}/a?signature=hush`, [], CONTENT, never), "UNAVAILABLE");
      serve = (_request, response) => void response.write("half");
      await assertFails(hasty.get(`${base}/a?signature=hush`, 10, never), "UNAVAILABLE");
    });

    it("ends with the signal, with its reason", async () => {
      const reason = new Error("enough");
      await assert.rejects(transfer.get(`${base}/a`, 10, AbortSignal.abort(reason)), reason);
      for (const call of [
        (signal: AbortSignal) => transfer.get(`${base}/a`, 10, signal),
        (signal: AbortSignal) => transfer.put(`${base}/a`, [], CONTENT, signal),
      ]) {
        const ending = new AbortController();
        serve = () => ending.abort(reason);
        await assert.rejects(call(ending.signal), reason);
      }
    });
  });
}
