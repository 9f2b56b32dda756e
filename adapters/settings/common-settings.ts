/**
 * Settings that several programs have, so that one name means the same everywhere.
 */
import { type Setting, parse, setting } from "./settings.js";

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

const WALLET_FORMS = '"name/hotkey" of a Bittensor wallet, a plaintext hotkey file, or "//Name" for a development key';

/** Where wallets are, for hotkeys that are given as "name/hotkey". */
export const WALLETS_PATH = setting(
  "Folder of the Bittensor wallets. Default ~/.bittensor/wallets.",
  parse.text("~/.bittensor/wallets"),
);

function readProxies(text: string): readonly string[] | undefined {
  const words = text.split(/[\s,]+/).filter((word) => word !== "");
  return words.every(isProxy) ? words : undefined;
}

/** How a program reads the listing site. */
export const SITE_READER_SETTINGS = {
  sourceUrl: setting("Address of the listing site.", parse.url()),
  proxies: setting(
    "Proxies that pages are read through in turn, separated by commas; without a browser only those that begin with http://. Default none.",
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

/** How a program is told its hotkey. `whose` begins the description, for example "The miner's hotkey". */
export function walletSettings(whose: string): { wallet: Setting<string>; walletsPath: Setting<string> } {
  return { wallet: setting(`${whose}: ${WALLET_FORMS}.`, parse.text(), { secret: true }), walletsPath: WALLETS_PATH };
}

/** As walletSettings, where none need be given. */
export function optionalWalletSettings(whose: string): {
  wallet: Setting<string | undefined>;
  walletsPath: Setting<string>;
} {
  const wallet = setting(`${whose}: ${WALLET_FORMS}. Default none.`, parse.optionalText(), { secret: true });
  return { wallet, walletsPath: WALLETS_PATH };
}

/** How a program calls the server, and whom it calls in its place. */
export const CALLER_SETTINGS = {
  transport: setting(
    "What carries the calls: connect, or grpc-js, which spreads them over all addresses of the server's name. Default connect.",
    parse.oneOf(["connect", "grpc-js"], "connect"),
  ),
  minRelayStakeTao: setting(
    "Least stake in TAO of a validator whose relay is found on the chain and used. Default 1000.",
    parse.integer({ min: 0, max: 21_000_000 }, 1_000),
  ),
};
