/**
 * From which address a call comes, also behind load balancers that say so.
 */
import { BlockList, isIP, isIPv4 } from "node:net";
import { createContextKey } from "@connectrpc/connect";

/** Addresses of proxies whose word on their callers' addresses is taken. */
export interface TrustedProxies {
  has(address: string): boolean;
}

/** Nobody's word is taken. */
export const NO_PROXIES: TrustedProxies = { has: () => false };

/** The proxies in ranges like "10.0.0.0/8" or "2001:db8::7". Throws a RangeError for what is none. */
export function trustedProxies(ranges: readonly string[]): TrustedProxies {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", bits] = range.split("/");
    const family = isIPv4(address) ? "ipv4" : "ipv6";
    const all = family === "ipv4" ? 32 : 128;
    const length = bits === undefined ? all : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
    if (isIP(address) === 0 || length < 0 || length > all) throw new RangeError(`"${range}" is no range of addresses`);
    list.addSubnet(address, length, family);
  }
  return { has: (address) => isIP(address) !== 0 && list.check(address, isIPv4(address) ? "ipv4" : "ipv6") };
}

/** As far as a request tells of its way here. */
export interface AddressedRequest {
  readonly socket: { readonly remoteAddress?: string | undefined };
  readonly headers: { readonly [name: string]: string | string[] | undefined };
}

/**
 * The address that a call comes from: the nearest one on its way that is no trusted proxy, by the socket and what the
 * trusted proxies put at the end of x-forwarded-for. Where all are trusted, the farthest. Empty once the connection has
 * gone.
 */
export function callerAddress({ socket, headers }: AddressedRequest, trusted: TrustedProxies): string {
  let address = socketAddress(socket);
  if (!trusted.has(address)) return address;
  const forwarded = headers["x-forwarded-for"];
  const hops = (Array.isArray(forwarded) ? forwarded.join(",") : (forwarded ?? "")).split(",");
  // From the right: what stands further left was said by somebody who need not be trusted.
  for (const hop of hops.toReversed()) {
    const said = plainAddress(hop.trim());
    if (isIP(said) === 0) break;
    address = said;
    if (!trusted.has(address)) break;
  }
  return address;
}

/** The address at the other end of a connection; empty once it has gone. */
export function socketAddress({ remoteAddress = "" }: AddressedRequest["socket"]): string {
  return plainAddress(remoteAddress);
}

/** Without a port, brackets, a zone, and the IPv6 form of IPv4. */
function plainAddress(text: string): string {
  const bare = /^\[([^\]]*)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  return bare.replace(/^::ffff:(?=[\d.]+$)/i, "").replace(/%.*$/, "");
}

/**
 * By what callers of an address are counted: an IPv4 address itself, of an IPv6 address its first 64 bits, since a
 * single host has all the rest to itself.
 */
export function addressGroup(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...Array.from({ length: zeros }, () => "0"), ...after];
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(":")}::/64`;
}

/** Where a call comes from, and how many connections that address has at present. */
export interface CallerPlace {
  readonly address: string;
  readonly connections: number;
}

/** Where the adapter leaves the place of the call at hand. */
export const callerPlaceKey = createContextKey<CallerPlace>(
  { address: "", connections: 0 },
  { description: "where the call comes from" },
);
