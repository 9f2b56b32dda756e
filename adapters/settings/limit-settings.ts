/**
 * What callers are held to, as settings: the same names and defaults for the server and for a validator's relay.
 */
import { isIP } from "node:net";
import { type SettingsOf, parse, setting } from "./settings.js";

/** Ranges like "10.0.0.0/8", or single addresses; undefined when one of them is neither. */
function readRanges(text: string): readonly string[] | undefined {
  const ranges = text.split(/[\s,]+/).filter((range) => range !== "");
  return ranges.every(isRange) ? ranges : undefined;
}

function isRange(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  const longest = isIP(address) === 4 ? 32 : isIP(address) === 6 ? 128 : -1;
  if (more.length > 0 || longest < 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= longest);
}

/** Settings of the limits. */
export const LIMIT_SETTINGS = {
  maxCallsPerMinute: setting(
    "Signed calls per minute of a hotkey that is a miner. Default 600.",
    parse.integer({ min: 1, max: 1_000_000 }, 600),
  ),
  maxValidatorCallsPerMinute: setting(
    "Signed calls per minute of a hotkey that is a validator. Default 3000.",
    parse.integer({ min: 1, max: 1_000_000 }, 3_000),
  ),
  maxOwnerCallsPerMinute: setting(
    "Signed calls per minute of the subnet owner's hotkey. Default 3000.",
    parse.integer({ min: 1, max: 1_000_000 }, 3_000),
  ),
  maxClockDifferenceMs: setting(
    "How far a caller's clock may be off, in milliseconds. Default 30000.",
    parse.integer({ min: 1_000, max: 600_000 }, 30_000),
  ),
  maxStreamsPerHotkey: setting(
    "Streams of epochs that a hotkey may hold open at one process. Default 16.",
    parse.integer({ min: 1, max: 1_000_000 }, 16),
  ),
  maxStreamsPerAddress: setting(
    "Streams of epochs that may be open from one address (IPv6: one network of 64 bits) at one process. Default 2000.",
    parse.integer({ min: 1, max: 1_000_000 }, 2_000),
  ),
  maxConnectionsPerAddress: setting(
    "Connections that may be open from one address (IPv6: one network of 64 bits) to one process. Default 2000.",
    parse.integer({ min: 1, max: 1_000_000 }, 2_000),
  ),
  trustedProxies: setting(
    "Load balancers whose x-forwarded-for is believed, as addresses or ranges like 10.0.0.0/8, separated by commas. Limits per address do not hold for themselves. Default none.",
    parse.custom<readonly string[]>("addresses or ranges like 10.0.0.0/8, separated by commas", readRanges, []),
  ),
  maxHeaderBytes: setting(
    "Largest headers of a request in bytes, 32 more counted for each. Default 16384.",
    parse.integer({ min: 4_096, max: 65_536 }, 16_384),
  ),
  maxDeadlineMs: setting(
    "Longest deadline that a call may set, in milliseconds. Default 2147483647.",
    parse.integer({ min: 1_000, max: 2_147_483_647 }, 2_147_483_647),
  ),
  maxStreamsPerConnection: setting(
    "Open streams of one HTTP/2 connection; calls beyond that wait. Default 100.",
    parse.integer({ min: 1, max: 100_000 }, 100),
  ),
  maxConnectionMemoryMb: setting(
    "Megabytes that may wait in memory for one HTTP/2 connection; beyond that it ends with all its streams. Default 64.",
    parse.integer({ min: 1, max: 2_000 }, 64),
  ),
};

/** The limits by the settings. */
export function callerLimitsOf(settings: SettingsOf<typeof LIMIT_SETTINGS>) {
  const { maxClockDifferenceMs, maxStreamsPerHotkey, maxStreamsPerAddress, maxConnectionsPerAddress } = settings;
  const { maxHeaderBytes, maxDeadlineMs, maxStreamsPerConnection, maxConnectionMemoryMb } = settings;
  return {
    maxCallsPerMinute: {
      miner: settings.maxCallsPerMinute,
      validator: settings.maxValidatorCallsPerMinute,
      owner: settings.maxOwnerCallsPerMinute,
    },
    maxClockDifferenceMs,
    maxStreamsPerHotkey,
    maxStreamsPerAddress,
    maxConnectionsPerAddress,
    maxHeaderBytes,
    maxDeadlineMs,
    maxStreamsPerConnection,
    maxConnectionMemoryMb,
  };
}
