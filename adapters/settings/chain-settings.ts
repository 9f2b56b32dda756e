/**
 * Which chain a program belongs to, and where it is.
 */
import { type RawSettings, environmentName, flagName, parse, setting } from "./settings.js";

/** Where the chain is. */
export type ChainPlace =
  /** The embedded chain; its address has no slash at the end. */
  | { readonly kind: "local"; readonly url: string }
  /** The real one, the preferred endpoint first. */
  | { readonly kind: "subtensor"; readonly endpoints: readonly string[] };

/** Reads `local:http://host:port`, or addresses of the real chain; undefined for anything else. */
export function readChainPlace(text: string): ChainPlace | undefined {
  const url = /^local:(https?:\/\/.+?)\/*$/.exec(text)?.[1];
  if (url !== undefined) return URL.canParse(url) ? { kind: "local", url } : undefined;
  const endpoints = text.split(/[\s,]+/).filter((word) => word !== "");
  return endpoints.length > 0 && endpoints.every(isEndpoint) ? { kind: "subtensor", endpoints } : undefined;
}

function isEndpoint(text: string): boolean {
  return URL.canParse(text) && /^wss?:$/.test(new URL(text).protocol);
}

const readNetwork = (text: string): string | undefined => (/^[A-Za-z0-9_-]{1,32}$/.test(text) ? text : undefined);

const CHAIN_FORM =
  'ws:// or wss:// addresses separated by commas, or the embedded chain\'s, of the form "local:http://127.0.0.1:9944"';

/** The address that a test harness sets. */
const ENDPOINT_VARIABLE = { alias: "ZIPNET_CHAIN_ENDPOINT" };

const readPerSecond = (text: string): number | undefined => (/^\d{1,4}$/.test(text) ? Number(text) : undefined);

/** How much the chain is asked. */
export const CHAIN_LIMIT_SETTINGS = {
  chainRequestsPerSecond: setting(
    "Requests a second to one endpoint of the real chain, on average; 0 for no limit. Default 1 at the networks' own public endpoints, 0 at others.",
    parse.optionalCustom("a whole number from 0 to 9999", readPerSecond),
  ),
};

/** Chain of a program that can do without. */
export function optionalChainSetting(use: string) {
  const must = parse.optionalCustom<ChainPlace>(CHAIN_FORM, readChainPlace);
  return setting(use, must, ENDPOINT_VARIABLE);
}

/** Which deployment a program with a chain belongs to, and where that chain is. */
export const DEPLOYMENT_SETTINGS = {
  network: setting(
    'Chain network: "finney", "test", "local", or another name; with a flag also the ws:// address of a chain, whose network is "local". Default local.',
    parse.custom("1 to 32 letters, digits, _ or -", readNetwork, "local"),
  ),
  netuid: setting("Subnet. Default 1.", parse.integer({ min: 0, max: 65_535 }, 1)),
  chain: setting(
    'Chain: ws:// or wss:// addresses separated by commas, or "local:http://host:port" for the embedded one. Default the public endpoints of finney and test, local:http://127.0.0.1:9944 for others.',
    parse.optionalCustom<ChainPlace>(CHAIN_FORM, readChainPlace),
    ENDPOINT_VARIABLE,
  ),
  ...CHAIN_LIMIT_SETTINGS,
};

/** Settings in which a network that is given by its chain's address is taken apart: network "local", and the chain there. */
export function networkByAddress(raw: RawSettings): RawSettings {
  const [network, chain] = [environmentName("network"), environmentName("chain")];
  const address = raw[network] ?? "";
  if (!isEndpoint(address)) return raw;
  const other = raw[chain] || raw[ENDPOINT_VARIABLE.alias] || address;
  if (other === address) return { ...raw, [network]: "local", [chain]: address };
  throw new Error(
    `${network} (${flagName("network")}) is ${address}, but ${chain} (${flagName("chain")}) is ${other}; give one of them`,
  );
}
