/**
 * Miners that run in a test's world, and sources and states that misbehave on demand.
 */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { listingFiles } from "../adapters/parquet/listing-files.js";
import { fetchTransfer } from "../adapters/transfer/fetch-transfer.js";
import { verifySr25519 } from "../adapters/wallet/wallet.js";
import type { ListingSource, LocalState, Log, SearchPage } from "../core/ports.js";
import { sample } from "../core/samples.test-support.js";
import { ListingSchema } from "../gen/zipnet/v1/listing_pb.js";
import type { FollowedEvent } from "../rpc/follower/follower.js";
import { type MinerConfig, type MinerParts, runMiner } from "./miner.js";
import type { MinerEvent } from "./progress.js";
import { serverCalls } from "./server-calls.js";
import type { World } from "./world.test-support.js";

/** Lets everything run that is ready to run. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Resolves once the condition holds; the test's own time limit is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

/** As until, and lets the world's time go by meanwhile, slowly enough for real answers to keep up with it. */
export async function untilLater(world: World, condition: () => boolean): Promise<void> {
  while (!condition()) {
    await world.clock.advanceTo(world.clock.now() + 10);
    await turn();
  }
}

/** A miner that runs. */
export interface RunningMiner {
  /** What it told the log, oldest first. */
  readonly events: readonly MinerEvent[];
  /** Events of one kind. */
  of<E extends MinerEvent["event"]>(kind: E): Extract<MinerEvent, { event: E }>[];
  /** Delivers an event of the epoch stream, and saves the position after it, as the follower does. */
  deliver(event: FollowedEvent): Promise<void>;
  /** Whether the program has ended, by itself or by stop. */
  readonly ended: boolean;
  /** Stops it as a signal does; resolves at rest. Rejects with what ended it. */
  stop(): Promise<void>;
}

/** Starts a miner in the world. */
export function startMiner(
  world: World,
  own: {
    readonly state: LocalState;
    readonly source: ListingSource | MinerParts["source"];
    readonly deriving?: MinerParts["deriving"];
  },
  config: Partial<MinerConfig> = {},
): RunningMiner {
  const { source } = own;
  const events: MinerEvent[] = [];
  const note = (facts: object): void => {
    if ("event" in facts) events.push(facts as MinerEvent);
  };
  const log: Log = { debug() {}, info: note, warn: note, error: note };
  const stop = new AbortController();
  let deliver: ((event: FollowedEvent) => Promise<void>) | undefined;
  const parts: MinerParts = {
    state: own.state,
    deriving: own.deriving,
    source: typeof source === "function" ? source : () => source,
    clock: world.clock,
    random: () => 0,
    log,
    signer: world.miner,
    verify: verifySr25519,
    files: listingFiles(),
    transfer: fetchTransfer(),
    server: serverCalls(world.clients.submissions),
    follow: (handlers, signal) =>
      new Promise((resolve) => {
        deliver = async (event) => {
          await handlers.onEvent(event);
          await handlers.tokens.save(new Uint8Array([1]));
        };
        if (signal.aborted) resolve();
        signal.addEventListener("abort", () => resolve(), { once: true });
      }),
  };
  const { network, netuid, server } = world;
  const defaults = {
    network,
    netuid,
    serverHotkey: server.hotkey,
    concurrency: 1,
    coverPercent: 100,
    checkSource: false,
  };
  let ended = false;
  const running = runMiner(parts, { ...defaults, reportProgress: true, ...config }, stop.signal).finally(() => {
    ended = true;
  });
  running.catch(() => undefined); // stop() tells.
  return {
    events,
    of: <E extends MinerEvent["event"]>(kind: E) =>
      events.filter((event): event is Extract<MinerEvent, { event: E }> => event.event === kind),
    async deliver(event) {
      await until(() => deliver !== undefined || ended);
      if (deliver === undefined) throw new Error("the miner has ended");
      await deliver(event);
    },
    get ended() {
      return ended;
    },
    async stop() {
      stop.abort(new Error("the test stops the miner"));
      await running;
    },
  };
}

/** A source in memory that counts what is asked of it. */
export interface CountingSource extends ListingSource {
  /** Searches that were begun, by zip code. */
  readonly begun: ReadonlyMap<string, number>;
  /** Searches that were read to the end, by zip code. */
  readonly finished: ReadonlyMap<string, number>;
  /** Called before each page; what it throws is the answer, and what it waits for holds the page up. */
  onPage: (zipCode: string, signal: AbortSignal) => void | Promise<void>;
}

/** A source with two pages of two listings per zip code; one of the four is foreign and one is a repeat. */
export function countingSource(world: World): CountingSource {
  const begun = new Map<string, number>();
  const finished = new Map<string, number>();
  const count = (map: Map<string, number>, key: string): Map<string, number> => map.set(key, (map.get(key) ?? 0) + 1);
  const listing = (listingId: string, zipCode: string) =>
    create(ListingSchema, {
      ...sample(ListingSchema),
      listingId,
      zipCode,
      scrapedTime: timestampFromMs(world.clock.now()),
    });
  const source: CountingSource = {
    name: "counting",
    begun,
    finished,
    onPage: () => undefined,
    async *search(zipCode, signal): AsyncIterable<SearchPage> {
      count(begun, zipCode);
      const pages = [
        [listing(`1${zipCode}`, zipCode), listing(`2${zipCode}`, "99999")],
        [listing(`1${zipCode}`, zipCode), listing(`3${zipCode}`, zipCode)],
      ];
      for (const [index, listings] of pages.entries()) {
        await source.onPage(zipCode, signal);
        signal.throwIfAborted();
        yield { pageNumber: index + 1, pageCount: 2, resultCount: 3, listings };
      }
      count(finished, zipCode);
    },
    lookUp: (listingId) =>
      Promise.resolve({
        url: `https://homes.example/${listingId}`,
        fetchedTimeMs: world.clock.now(),
        httpStatus: 200,
        pageSha256: "",
        outcome: "found",
        listing: listing(listingId, listingId.slice(1)),
      }),
  };
  return source;
}

/** A state that can be cut off, as by SIGKILL: it answers nothing from then on. */
export interface MortalState extends LocalState {
  readonly dead: boolean;
  /** Writes so far. */
  readonly writes: number;
  kill(): void;
}

/** A state that dies at its k-th write, before or after it takes effect; or only when killed. */
export function mortalState(
  inner: LocalState,
  at: { readonly write: number; readonly when: "before" | "after" } | undefined,
): MortalState {
  let writes = 0;
  let dead = false;
  const alive = async <T>(act: () => Promise<T>): Promise<T> => {
    if (dead) throw new Error("the process is dead");
    return act();
  };
  const change = (act: () => Promise<void>): Promise<void> =>
    alive(async () => {
      writes += 1;
      if (writes !== at?.write) return act();
      dead = true;
      if (at.when === "after") await act();
      throw new Error("the process dies");
    });
  return {
    get dead() {
      return dead;
    },
    get writes() {
      return writes;
    },
    kill: () => {
      dead = true;
    },
    read: (key) => alive(() => inner.read(key)),
    list: (prefix) => alive(() => inner.list(prefix)),
    remove: (prefix) => alive(() => inner.remove(prefix)),
    write: (key, content) => change(() => inner.write(key, content)),
    keep: (key, content) => change(() => inner.keep(key, content)),
  };
}
