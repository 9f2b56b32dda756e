/**
 * IP addresses as the chain has them: one number, and 4 or 6.
 */
import { isIP } from "node:net";

/** An address as the chain takes it. */
export interface ChainAddress {
  readonly ip: bigint;
  readonly ipType: 4 | 6;
}

/** The chain's form of an address; undefined for what is none, and for the address of no machine. */
export function chainAddress(text: string): ChainAddress | undefined {
  const kind = isIP(text);
  if (kind === 0 || text.includes("%")) return undefined;
  const ip = kind === 4 ? fromGroups(text.split(".").map(Number), 8n) : fromGroups(groupsOf(text), 16n);
  return ip === 0n ? undefined : { ip, ipType: kind === 4 ? 4 : 6 };
}

/** An address as text, an IPv6 one in its shortest form; undefined for a number that is none. */
export function addressOf(ip: bigint, ipType: number): string | undefined {
  if (ip <= 0n || ip >= 2n ** (ipType === 4 ? 32n : 128n)) return undefined;
  if (ipType === 4) return [24n, 16n, 8n, 0n].map((shift) => (ip >> shift) & 255n).join(".");
  if (ipType !== 6) return undefined;
  const groups = Array.from({ length: 8 }, (_, index) => ((ip >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
  // The standard's short form is what the URL parser writes.
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

/** The eight groups of an IPv6 address, whatever its form. */
function groupsOf(text: string): number[] {
  const short = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const [head = "", tail] = short.split("::");
  const read = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  if (tail === undefined) return read(head);
  const [left, right] = [read(head), read(tail)];
  return [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
}

function fromGroups(groups: readonly number[], bits: bigint): bigint {
  return groups.reduce((sum, group) => (sum << bits) | BigInt(group), 0n);
}
