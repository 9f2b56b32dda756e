/**
 * Settings that several programs have, so that one name means the same everywhere.
 */
import { parse, setting } from "./settings.js";

/** How a program logs. */
export const LOG_SETTINGS = {
  logFormat: setting(
    '"json" for programs or "pretty" for people. Default json.',
    parse.oneOf(["json", "pretty"], "json"),
  ),
  logLevel: setting(
    "Lowest level that is logged: debug, info, warn or error. Default info.",
    parse.oneOf(["debug", "info", "warn", "error"], "info"),
  ),
};

/** A proxy as written in the settings; undefined for what is no address of one. */
function isProxy(text: string): boolean {
  return URL.canParse(text) && /^(https?|socks[45]?):$/.test(new URL(text).protocol);
}

function readProxies(text: string): readonly string[] | undefined {
  const words = text.split(/[\s,]+/).filter((word) => word !== "");
  return words.every(isProxy) ? words : undefined;
}

/** How a program reads the listing site. */
export const SITE_READER_SETTINGS = {
  sourceUrl: setting("Address of the listing site.", parse.url()),
  proxies: setting(
    "Proxies for the browser, used in turn, separated by commas. Default none.",
    parse.custom<readonly string[]>("addresses like http://host:port, separated by commas", readProxies, []),
    { secret: true },
  ),
  chromium: setting("Path of the browser. Default the first one found on the machine.", parse.optionalText()),
  contact: setting(
    "How the site's owner reaches you, an address or e-mail; part of the User-Agent. Needed for sites elsewhere.",
    parse.custom("without line breaks and parentheses", (text) => (/[\r\n()]/.test(text) ? undefined : text), ""),
  ),
  pageTimeoutMs: setting(
    "Time for one page in milliseconds, 100 to 600000. Default 30000.",
    parse.integer({ min: 100, max: 600_000 }, 30_000),
  ),
  retries: setting(
    "How often a page is tried again at once when it fails, 0 to 10. Default 2.",
    parse.integer({ min: 0, max: 10 }, 2),
  ),
};
