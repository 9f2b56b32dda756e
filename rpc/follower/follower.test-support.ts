/** What tests of the follower share: servers and relays that end with the test, and followers that tell what they do. */
import { systemClock } from "../../adapters/clock/system-clock.js";
import { verifySr25519 } from "../../adapters/wallet/wallet.js";
import type { Log } from "../../core/ports.js";
import { quietLog } from "../../test/support/quiet-log.js";
import type { Endpoint, TransportKind } from "../client/client.js";
import { decodePosition } from "./follower-position.js";
import { type FollowOptions, type FollowedEvent, followEpochs } from "./follower.js";
import { FIRST, NETUID, NETWORK, type TestServer, keys, startTestServer, tokensOf } from "../kit.test-support.js";

/** An event in short: "+2" for the opening of the third epoch of the tests, "-1" for the close of the second. */
export function short(event: FollowedEvent): string {
  return event.kind === "epoch" ? `+${event.epoch.number - FIRST}` : `-${event.closed.epochNumber - FIRST}`;
}

/** The revision at which a stored position resumes at a server. */
export function serverRevisionOf(stored: Uint8Array): number {
  const decoded = tokensOf().decode(decodePosition(stored).serverToken);
  if (decoded.status !== "ok") throw new Error(`the stored token is ${decoded.status}`);
  return decoded.revision;
}

/** A follower that runs. */
export interface RunningFollower {
  /** Events that were delivered, in short. */
  readonly told: readonly string[];
  /** Positions that were saved. */
  readonly saved: readonly Uint8Array[];
  readonly failures: readonly string[];
  /** Streams that were opened, by the URL of their endpoint. */
  readonly opened: readonly string[];
  stop(): Promise<void>;
}

/** What runs in one test. */
export class FollowerRig {
  readonly #transport: TransportKind;
  readonly #followers: RunningFollower[] = [];
  readonly #servers = new Set<TestServer>();

  constructor(transport: TransportKind = "connect") {
    this.#transport = transport;
  }

  /** Starts a server. */
  async serve(more: Parameters<typeof startTestServer>[1] = {}): Promise<TestServer> {
    const server = await startTestServer(systemClock, more);
    this.#servers.add(server);
    return server;
  }

  /** Starts a relay: a server with another hotkey, and with a key of its own for tokens. */
  async relay(more: Parameters<typeof startTestServer>[1] = {}): Promise<TestServer> {
    const tokens = tokensOf({ secrets: ["relay"], trustsOtherIssuers: true });
    return await this.serve({ receiver: keys("validator").hotkey, tokens, ...more });
  }

  /** Stops a server before the test's end. */
  async stop(server: TestServer): Promise<void> {
    this.#servers.delete(server);
    await server.stop();
  }

  /** Follows until the end of the test. stored: what an earlier run saved. */
  follow(endpoints: readonly Endpoint[], more: Partial<FollowOptions> = {}, stored?: Uint8Array): RunningFollower {
    const told: string[] = [];
    const saved: Uint8Array[] = [];
    const failures: string[] = [];
    const opened: string[] = [];
    const log: Log = {
      ...quietLog,
      warn: (facts) => {
        if ("failure" in facts) failures.push(String(facts.failure));
      },
    };
    const ending = new AbortController();
    const done = followEpochs(
      {
        endpoints,
        signer: keys("miner"),
        network: NETWORK,
        netuid: NETUID,
        recordSigner: keys("server").hotkey,
        verify: verifySr25519,
        clock: systemClock,
        transport: this.#transport,
        // Short pauses: the test's patience is not what is tested.
        random: () => 0.01,
        log,
        tokens: { load: async () => stored, save: async (next) => void saved.push(next) },
        onEvent: async (event) => void told.push(short(event)),
        observeStream: ({ endpoint, happened }) => {
          if (happened === "opened") opened.push(endpoint);
        },
        ...more,
      },
      ending.signal,
    );
    const follower = {
      told,
      saved,
      failures,
      opened,
      async stop() {
        ending.abort();
        await done;
      },
    };
    this.#followers.push(follower);
    return follower;
  }

  /** Ends everything. */
  async close(): Promise<void> {
    await Promise.all(this.#followers.splice(0).map((follower) => follower.stop()));
    await Promise.all([...this.#servers].map((server) => this.stop(server)));
  }
}

/** How to reach a server of the tests. */
export function serverAt({ url }: Pick<TestServer, "url">): Endpoint {
  return { url, hotkey: keys("server").hotkey };
}

/** How to reach a relay of the tests. */
export function relayAt({ url }: Pick<TestServer, "url">): Endpoint {
  return { url, hotkey: keys("validator").hotkey };
}
