/**
 * What callers of a server or a relay are held to, as the settings say and GetServerInfo tells.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { LimitsSchema } from "../../gen/zipnet/v1/server_info_service_pb.js";
import type { Role } from "../auth/roles.js";
import { MAX_SESSION_MS } from "../auth/session.js";

/** What a port allows every connection, whoever calls. */
export interface PortLimits {
  /** Of a request's headers, as HTTP/2 counts them: names, values and 32 bytes each. */
  readonly maxHeaderBytes: number;
  /** Longest deadline that a call may set. Node's timers end at 2,147,483,647. */
  readonly maxDeadlineMs: number;
  /** Connections that one address may hold open. */
  readonly maxConnectionsPerAddress: number;
  /** Streams that are open at the same time on one HTTP/2 connection; calls beyond that wait. */
  readonly maxStreamsPerConnection: number;
  /** What may wait in memory on one HTTP/2 connection. */
  readonly maxConnectionMemoryMb: number;
}

/** Where nothing else is said. */
export const DEFAULT_PORT_LIMITS: PortLimits = {
  maxHeaderBytes: 16_384,
  maxDeadlineMs: 2 ** 31 - 1,
  maxConnectionsPerAddress: Infinity,
  // A caller's stream is small; what it must not do is pile up streams on one connection. The memory limit of node:http2
  // ends all streams of a connection at once, so it stands well above what 100 streams can hold.
  maxStreamsPerConnection: 100,
  maxConnectionMemoryMb: 64,
};

/** What all callers are held to. */
export interface CallerLimits extends PortLimits {
  readonly maxRequestBytes: number;
  /** Either way. */
  readonly maxClockDifferenceMs: number;
  /** Signed calls of a hotkey in a minute of the clock; of its roles, the one that may make most counts. */
  readonly maxCallsPerMinute: Readonly<Record<Role, number>>;
  readonly maxStreamsPerHotkey: number;
  readonly maxStreamsPerAddress: number;
}

/** The limits as GetServerInfo tells them. */
export function toldLimits(limits: CallerLimits): MessageInitShape<typeof LimitsSchema> {
  const { maxCallsPerMinute, maxConnectionMemoryMb, ...same } = limits;
  return {
    ...same,
    maxCallsPerMinute: maxCallsPerMinute.miner,
    maxValidatorCallsPerMinute: maxCallsPerMinute.validator,
    maxOwnerCallsPerMinute: maxCallsPerMinute.owner,
    maxConnectionMemoryBytes: maxConnectionMemoryMb * 1_000_000,
    maxSessionSeconds: MAX_SESSION_MS / 1000,
  };
}
