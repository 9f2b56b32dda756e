/**
 * Where a follower may follow from: servers first, then relays in an order of the follower's own.
 */
import { bytesToHex, sha256Of } from "../../core/hash.js";
import { messageOf } from "../../core/errors.js";
import type { Endpoint } from "../client/client.js";
import type { FollowOptions } from "./follower-options.js";

/** From one look for relays to the next: this, give or take a half. */
const DISCOVERY_INTERVAL_MS = 1_200_000;
/** The same after a look that failed. */
export const DISCOVERY_RETRY_MS = 60_000;

/** The endpoints as they are known now. */
export interface FollowerEndpoints {
  /** Servers in the order given, then relays. At least one. */
  list(): readonly Endpoint[];
  serverCount(): number;
  /** Looks for more relays now and then, until the signal is aborted; resolves then. */
  discover(signal: AbortSignal): Promise<void>;
}

/** An endpoint's name among all of them. */
export function endpointKey({ url, hotkey }: Endpoint): string {
  return `${url}#${hotkey}`;
}

/** Endpoints of the options. Throws a TypeError when there is none. */
export function followerEndpoints(options: FollowOptions): FollowerEndpoints {
  const { endpoints: given, recordSigner, signer } = options;
  if (given.length === 0) throw new TypeError("there is no endpoint to follow epochs from");
  // Who signs the records is the server; every other hotkey can only pass them on.
  const servers = given.filter(({ hotkey }) => hotkey === recordSigner);
  const givenRelays = given.filter(({ hotkey }) => hotkey !== recordSigner);
  let all = [...servers, ...inOwnOrder(givenRelays, signer.hotkey)];

  async function look(signal: AbortSignal): Promise<number> {
    const { discoverRelays, log } = options;
    try {
      const found = (await discoverRelays?.(signal)) ?? [];
      const relays = [...givenRelays, ...found].filter(
        ({ hotkey }) => hotkey !== recordSigner && hotkey !== signer.hotkey,
      );
      all = [...servers, ...inOwnOrder(relays, signer.hotkey)];
      log.debug({ relays: relays.length }, `${relays.length} relays are known`);
      return DISCOVERY_INTERVAL_MS;
    } catch (error) {
      if (!signal.aborted) log.warn({ err: messageOf(error) }, "relays could not be looked for; it is tried again");
      return DISCOVERY_RETRY_MS;
    }
  }

  return {
    list: () => all,
    serverCount: () => servers.length,
    async discover(signal) {
      const { clock, random, discoverRelays } = options;
      if (discoverRelays === undefined) return;
      while (!signal.aborted) {
        const intervalMs = await look(signal);
        await clock.sleepUntil(clock.now() + intervalMs * (0.5 + random()), signal).catch(() => {});
      }
    },
  };
}

/**
 * Each once, in an order that differs from follower to follower and stays when others come and go: so the followers
 * spread over the relays, and one that looks anew finds its relays in their places.
 */
function inOwnOrder(relays: readonly Endpoint[], follower: string): Endpoint[] {
  const byPlace = new Map<string, Endpoint>();
  for (const relay of relays) {
    byPlace.set(bytesToHex(sha256Of("zipnet-relay-order", follower, endpointKey(relay))), relay);
  }
  return [...byPlace].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, relay]) => relay);
}
