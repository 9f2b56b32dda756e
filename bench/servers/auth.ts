/** Whom our server lets in: as server/main.ts has it, over a subnet full of miners. */
import { systemClock } from "../../adapters/clock/system-clock.js";
import { verifySr25519 } from "../../adapters/wallet/wallet.js";
import type { Cache, Chain, VerifySignature } from "../../core/ports.js";
import { metagraphDirectory } from "../../rpc/auth/callers.js";
import { type CallerLimits, DEFAULT_PORT_LIMITS } from "../../rpc/serving/limits.js";
import type { ServerAuth } from "../../rpc/serving/server.js";
import { SESSION_PURPOSE } from "../../rpc/auth/session.js";
import { type Keys, NETUID, NETWORK, metagraphOf } from "../harness/network.js";

/** Calls are signed before the bench begins, and far more of them are made in a minute than miners make. */
const MANY = 10_000_000;

/** As a server has them, so that keeping them is measured, but as high as one address of one bench needs them. */
export const LIMITS: CallerLimits = {
  ...DEFAULT_PORT_LIMITS,
  maxConnectionsPerAddress: MANY,
  maxStreamsPerConnection: 1_000,
  maxRequestBytes: 65_536,
  maxClockDifferenceMs: 86_400_000,
  maxCallsPerMinute: { miner: MANY, validator: MANY, owner: MANY },
  maxStreamsPerHotkey: MANY,
  maxStreamsPerAddress: MANY,
};

/** checksSignatures false: every signature passes, to see what checking them costs. */
export function authOf(keys: Keys, cache: Cache, checksSignatures: boolean): ServerAuth {
  const anySignature: VerifySignature = () => true;
  const metagraph = metagraphOf(keys);
  const directory = metagraphDirectory({
    chain: { metagraph: async () => metagraph } as unknown as Chain,
    clock: systemClock,
    maxAgeMs: 60_000,
    minValidatorStakeRao: 1n,
    signal: new AbortController().signal,
  });
  return {
    scope: { receiver: keys.server.hotkey, network: NETWORK, netuid: NETUID },
    verify: checksSignatures ? verifySr25519 : anySignature,
    directory,
    cache,
    clock: systemClock,
    sessionSecret: keys.server.secretFor(SESSION_PURPOSE),
    maxClockDifferenceMs: LIMITS.maxClockDifferenceMs,
    maxCallsPerMinute: LIMITS.maxCallsPerMinute,
  };
}
