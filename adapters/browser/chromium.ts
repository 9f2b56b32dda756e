/**
 * Reads pages in a real browser.
 */
import { getuid } from "node:process";
import { chromium } from "playwright";
import type { Browser, BrowserContext, BrowserContextOptions, Page as BrowserPage } from "playwright";
import { ZipnetError, messageOf } from "../../core/errors.js";
import type { Page, PageReader } from "../../core/ports.js";
import { findChromium } from "./find-chromium.js";
import { retryAfterMsOf } from "../../core/retry-after.js";
import { slots } from "./slots.js";

export { findChromium } from "./find-chromium.js";

/** Only the document and what it needs to run is loaded. */
const BLOCKED_URLS = "png jpg jpeg gif webp avif svg ico css woff woff2 ttf otf mp4 webm mp3"
  .split(" ")
  .flatMap((ending) => [`*.${ending}`, `*.${ending}?*`]);

/** The browser does only what it is asked to: no updates, no accounts, no reports. */
const FLAGS = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-default-apps",
  "--disable-domain-reliability",
  "--disable-gpu",
  "--disable-sync",
  "--metrics-recording-only",
  "--no-first-run",
  "--no-pings",
];

/** How the browser reads. */
export interface ChromiumOptions {
  /** Sent as it is: who reads, and how to reach them. */
  readonly userAgent: string;
  /** Proxies that pages are read through in turn, for example "http://user:password@host:port". Empty for none. */
  readonly proxies: readonly string[];
  /** Longest time for one page. */
  readonly timeoutMs: number;
  /** Path of a Chromium; without it one is searched for (findChromium). */
  readonly executablePath?: string;
  /** Pages read at one time, default 2. */
  readonly concurrency?: number;
  /** The document as the server "sent" it (the default), or as the page's scripts have "rendered" it. */
  readonly document?: "sent" | "rendered";
}

/** A browser with one context per proxy, and the pages in them that are free. */
interface Running {
  readonly browser: Browser;
  readonly contexts: readonly { readonly context: BrowserContext; readonly idle: BrowserPage[] }[];
}

/**
 * A page reader over Chromium, started at once and again whenever it has died. Rejects when there is no Chromium or it
 * does not start.
 */
export async function chromiumPages(options: ChromiumOptions): Promise<PageReader> {
  const executablePath = findChromium(options.executablePath);
  const slot = slots(options.concurrency ?? 2);
  let running: Promise<Running> | undefined;
  let turn = 0;
  let closed = false;

  function browser(): Promise<Running> {
    if (closed) throw new ZipnetError("UNAVAILABLE", "The browser is closed.");
    if (running !== undefined) return running;
    const starting = start(executablePath, options);
    running = starting;
    const forget = (): void => {
      if (running === starting) running = undefined;
    };
    void starting.then((started) => started.browser.once("disconnected", forget), forget);
    return starting;
  }

  await browser();
  return {
    async read(url, signal) {
      const release = await slot.take(signal);
      try {
        const { contexts } = await browser();
        const place = contexts[turn++ % contexts.length];
        if (place === undefined) throw new ZipnetError("UNAVAILABLE", "The browser has no context.");
        const page = place.idle.pop() ?? (await openPage(place.context));
        const result = await readPage(page, url, options, signal);
        place.idle.push(page);
        return result;
      } catch (error) {
        signal.throwIfAborted();
        throw unavailable(url, error);
      } finally {
        release();
      }
    },

    async close() {
      closed = true;
      const started = await running?.catch(() => undefined);
      await started?.browser.close();
    },
  };
}

async function start(executablePath: string, options: ChromiumOptions): Promise<Running> {
  // Chromium's own sandbox refuses to run as root.
  const flags = getuid?.() === 0 ? [...FLAGS, "--no-sandbox"] : FLAGS;
  const browser = await chromium.launch({
    executablePath,
    args: flags,
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
  const base: BrowserContextOptions = {
    userAgent: options.userAgent,
    viewport: { width: 800, height: 600 },
    acceptDownloads: false,
    serviceWorkers: "block",
  };
  const proxied: BrowserContextOptions[] = options.proxies.map((proxy) => ({ ...base, proxy: proxyOf(proxy) }));
  const wanted = proxied.length > 0 ? proxied : [base];
  const contexts = await Promise.all(
    wanted.map(async (context) => ({ context: await browser.newContext(context), idle: [] })),
  );
  return { browser, contexts };
}

function proxyOf(address: string): { server: string; username?: string; password?: string } {
  if (!URL.canParse(address)) throw new Error(`The proxy "${address}" is not an address such as http://host:port.`);
  const { protocol, host, username, password } = new URL(address);
  const server = `${protocol}//${host}`;
  if (username === "") return { server };
  return { server, username: decodeURIComponent(username), password: decodeURIComponent(password) };
}

async function openPage(context: BrowserContext): Promise<BrowserPage> {
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.setBlockedURLs", { urls: BLOCKED_URLS });
  return page;
}

/** Reads in a page of the browser. After a failure or an abort the page is thrown away, since something may still run in it. */
async function readPage(page: BrowserPage, url: string, options: ChromiumOptions, signal: AbortSignal): Promise<Page> {
  let abort = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", abort, { once: true });
  });
  try {
    signal.throwIfAborted();
    return await Promise.race([load(page, url, options), aborted]);
  } catch (error) {
    void page.close().catch(() => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

async function load(page: BrowserPage, url: string, { timeoutMs, document }: ChromiumOptions): Promise<Page> {
  const response = await page.goto(url, { waitUntil: "domcontentloaded", timeout: timeoutMs });
  if (response === null) throw new Error("the browser got no document");
  const html = document === "rendered" ? await page.content() : await response.text();
  const retryAfterMs = retryAfterMsOf((name) => response.headers()[name]);
  const read = { url: response.url(), status: response.status(), html };
  return retryAfterMs === undefined ? read : { ...read, retryAfterMs };
}

function unavailable(url: string, error: unknown): ZipnetError {
  if (error instanceof ZipnetError) return error;
  const problem = messageOf(error).split("\n", 1)[0] ?? "";
  return new ZipnetError("UNAVAILABLE", `Could not read ${url}: ${problem}`, { url }, { cause: error });
}
