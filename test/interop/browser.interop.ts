/**
 * A page in Chromium that calls the server by @connectrpc/connect-web: from another origin, over HTTP/1.1 in the clear
 * and over HTTP/2 with TLS, in every format that a browser can speak.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Browser, type Page, chromium } from "playwright";
import { findChromium } from "../../adapters/browser/find-chromium.js";
import { authHeader, startServerWithEpoch } from "../e2e/stock-client.js";
import { type Testbed, missingPart } from "../e2e/testbed.js";
import type { Seen, Way } from "./browser-page.js";

const PAGE = fileURLToPath(new URL("browser-page.ts", import.meta.url));
const missing = missingPart();

const WAYS: readonly Way[] = [
  { protocol: "grpc-web", useBinaryFormat: true },
  { protocol: "grpc-web", useBinaryFormat: false },
  { protocol: "connect", useBinaryFormat: true },
  { protocol: "connect", useBinaryFormat: false },
];

/** Serves the page from an origin of its own. */
async function startSite(): Promise<Server> {
  const bundle = await build({ entryPoints: [PAGE], bundle: true, format: "iife", platform: "browser", write: false });
  const script = bundle.outputFiles[0]?.text ?? "";
  const site = createServer((request, response) => {
    const isScript = request.url === "/page.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? script : '<!doctype html><script src="/page.js"></script>');
  });
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
  return site;
}

/** Makes a certificate for one run. Returns the settings of a server that shows it. */
function tlsSettings(dir: string): Record<string, string> {
  const [cert, key] = [join(dir, "cert.pem"), join(dir, "key.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1"];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  execFileSync("openssl", ["req", ...kind, ...subject, "-keyout", key, "-out", cert], { stdio: "ignore" });
  return { ZIPNET_TLS_CERT: cert, ZIPNET_TLS_KEY: key };
}

/** Opens the page, which asks here for the headers of its calls. protocols: gets the version of HTTP of every answer. */
async function openPage(browser: Browser, site: Server, testbed: Testbed, protocols: Set<string>): Promise<Page> {
  const page = await browser.newPage({ ignoreHTTPSErrors: true });
  await page.exposeFunction("sign", (method: string, json: string) =>
    authHeader(testbed, method, JSON.parse(json) as object),
  );
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.enable");
  devtools.on("Network.responseReceived", ({ response }) => {
    if (response.url.includes("/zipnet.v1.")) protocols.add(response.protocol ?? "unknown");
  });
  await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
  return page;
}

(missing === undefined ? describe : describe.skip)(`a browser${missing === undefined ? "" : ` (${missing})`}`, () => {
  let site: Server;
  let browser: Browser;
  before(async () => {
    site = await startSite();
    const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    browser = await chromium.launch({ executablePath: findChromium(process.env.ZIPNET_CHROMIUM), args });
  });
  after(async () => {
    await browser.close();
    site.close();
  });

  for (const [name, http, isSecure] of [
    ["in the clear", "http/1.1", false],
    ["over TLS", "h2", true],
  ] as const) {
    describe(`${name}, by ${http}`, () => {
      const protocols = new Set<string>();
      let dir = "";
      let testbed: Testbed;
      let page: Page;
      before(async () => {
        dir = await mkdtemp(join(tmpdir(), "zipnet-browser-"));
        testbed = await startServerWithEpoch(isSecure ? tlsSettings(dir) : {});
        page = await openPage(browser, site, testbed, protocols);
      });
      after(async () => {
        await testbed[Symbol.asyncDispose]();
        await rm(dir, { recursive: true });
      });

      for (const way of WAYS) {
        it(`reads, follows and is refused by ${way.protocol} ${way.useBinaryFormat ? "in binary" : "in JSON"}`, async () => {
          const baseUrl = isSecure ? testbed.serverUrl.replace("http:", "https:") : testbed.serverUrl;
          const seen = await page.evaluate(
            ([url, how]) => {
              const { callServer } = globalThis as unknown as { callServer(url: string, way: Way): Promise<Seen> };
              return callServer(url, how);
            },
            [baseUrl, way] as const,
          );
          const { refusal, ...read } = seen;
          assert.deepEqual(read, {
            epochId: testbed.plan.firstEpochId,
            events: ["started", "epoch", "caughtUp"],
            watched: testbed.plan.firstEpochId,
          });
          assert.equal(refusal.code, "PermissionDenied");
          assert.equal(refusal.reason, "ROLE_NOT_ALLOWED");
          assert.match(refusal.message, /validator/);
          assert.deepEqual([...protocols], [http]);
        });
      }
    });
  }
});
