import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import type { PageReader } from "../../core/ports.js";
import { openServer, pageReaderContract, plain } from "./contract.js";
import { httpPages } from "./http-pages.js";
import { type TestProxy, openProxy } from "./proxy.test-support.js";

const { signal } = new AbortController();

function reader(proxies: readonly string[]): PageReader {
  return httpPages({ userAgent: "zipnet-test/0", timeoutMs: 5_000, proxies });
}

describe("reading by HTTP through proxies", () => {
  let proxies: TestProxy[];
  beforeEach(async () => {
    proxies = await Promise.all([openProxy(), openProxy()]);
  });
  afterEach(async () => {
    for (const proxy of proxies) await proxy.close();
  });

  it("takes them in turn, and tells each its password", async () => {
    const server = await openServer(plain);
    const urls = proxies.map(({ url }, index) => url.replace("//", `//user${index}:p%40ss@`));
    const pages = reader(urls);
    try {
      for (let page = 0; page < 4; page += 1) {
        assert.equal((await pages.read(`${server.url}/${page}`, signal)).status, 200);
      }
      assert.deepEqual(
        proxies.map(({ asked }) => asked.map((url) => url.at(-1))),
        [
          ["0", "2"],
          ["1", "3"],
        ],
      );
      const proofs = proxies.map((proxy) => Buffer.from(proxy.proofs[0]?.slice("Basic ".length) ?? "", "base64").toString()); // prettier-ignore
      assert.deepEqual(proofs, ["user0:p@ss", "user1:p@ss"]);
    } finally {
      await pages.close();
      await server.close();
    }
  });

  it("follows redirects, a few of them, and unpacks what comes packed", async () => {
    const server = await openServer((request, response) => {
      if (request.url === "/round") response.writeHead(302, { location: "/round" }).end();
      else if (request.url === "/old") response.writeHead(301, { location: "/new" }).end();
      else response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("<p>packed"));
    });
    const pages = reader([proxies[0]?.url ?? ""]);
    try {
      const { url, html } = await pages.read(`${server.url}/old`, signal);
      assert.deepEqual([url, html], [`${server.url}/new`, "<p>packed"]);
      await assert.rejects(pages.read(`${server.url}/round`, signal), /redirected more than 5 times/);
    } finally {
      await pages.close();
      await server.close();
    }
  });

  it("opens a tunnel for https, and trusts within it whom it would trust without, and nobody else", async function () {
    const dir = mkdtempSync(join(tmpdir(), "zipnet-tls-"));
    const [key, cert] = [join(dir, "key.pem"), join(dir, "cert.pem")];
    const subject = ["-subj", "/CN=homes.example", "-addext", "subjectAltName=DNS:homes.example"];
    const made = spawnSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...subject, "-keyout", key, "-out", cert]); // prettier-ignore
    if (made.status !== 0) return this.skip(); // Without openssl there is no certificate.
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
      response.end(`<p>${request.headers.host}${request.url}`);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const proxy = await openProxy(() => `127.0.0.1:${(server.address() as AddressInfo).port}`);
    const pages = reader([proxy.url]);
    try {
      await assert.rejects(pages.read("https://homes.example/a", signal), /self-signed certificate/);
      // Whom Node trusts is settled when it starts.
      const script = `import { httpPages } from ${JSON.stringify(new URL("http-pages.ts", import.meta.url).href)};
        const pages = httpPages({ userAgent: "x", timeoutMs: 5000, proxies: [${JSON.stringify(proxy.url)}] });
        for (const path of ["a", "b"]) console.log((await pages.read("https://homes.example/" + path, new AbortController().signal)).html);
        await pages.close();`;
      const args = ["--import=tsx", "--input-type=module", "--eval", script];
      const { stdout } = await promisify(execFile)(process.execPath, args, {
        env: { ...process.env, NODE_EXTRA_CA_CERTS: cert },
      });
      assert.equal(stdout, "<p>homes.example/a\n<p>homes.example/b\n");
      // The second page came through the tunnel of the first.
      assert.deepEqual(proxy.asked, ["CONNECT homes.example:443", "CONNECT homes.example:443"]);
    } finally {
      await pages.close();
      await proxy.close();
      server.closeAllConnections();
      server.close();
      rmSync(dir, { recursive: true });
    }
  });

  it("refuses proxies that are not for HTTP", () => {
    assert.throws(() => reader(["socks5://127.0.0.1:1080"]), /socks5:\/\/127.0.0.1:1080 is not one for HTTP/);
  });
});

let proxy: TestProxy | undefined;
pageReaderContract("HTTP through a proxy", async ({ timeoutMs, concurrency }) => {
  proxy ??= await openProxy();
  return httpPages({ userAgent: "zipnet-test/0", timeoutMs, concurrency, proxies: [proxy.url] });
});
after(() => proxy?.close());
