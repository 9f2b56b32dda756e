/**
 * A connection to an endpoint of the right chain, with its newest finalized block and the runtimes of its blocks.
 */
import { z } from "zod";
import type { Clock } from "../../../core/ports.js";
import { type Runtime, metadataVersionOf, openRuntime } from "./runtime.js";
import type { RequestLimiter } from "./request-limiter.js";
import { type Wire, openWire } from "./wire.js";

/** A block by its header. */
export interface Head {
  readonly number: number;
  /** With "0x". */
  readonly hash: string;
  /** With "0x". */
  readonly parentHash: string;
}

/** A connection to an endpoint. */
export interface Link {
  readonly url: string;
  readonly ended: AbortSignal;
  /** Hash of block 0, 64 hexadecimal digits. */
  readonly genesisHash: string;
  /** The newest finalized block. */
  readonly head: Head;
  /** The runtime of the block that was newest when the connection was made. Good for what never changes. */
  readonly runtime: Runtime;
  /** Resolves at the next newly finalized block, and when the connection is over. Rejects with the signal's reason. */
  nextHead(signal: AbortSignal): Promise<void>;
  call(method: string, params: readonly unknown[], signal: AbortSignal): Promise<unknown>;
  /** The header of a block. */
  header(hash: string, signal: AbortSignal): Promise<Head>;
  /** The runtime of a block's state; of the newest block without a hash. */
  runtimeAt(hash: string | undefined, signal: AbortSignal): Promise<Runtime>;
  close(reason: Error): void;
}

/** How to connect. */
export interface LinkOptions {
  readonly url: string;
  readonly clock: Clock;
  readonly limiter: RequestLimiter;
  readonly callTimeoutMs: number;
  readonly staleAfterMs: number;
  readonly genesisHash: string | undefined;
  /** Runtimes that are known already, by version. */
  readonly runtimes: Map<number, Runtime>;
}

const hexShape = z.string().regex(/^0x([0-9a-f]{2})*$/i);
const headerShape = z.looseObject({ number: z.string().regex(/^0x[0-9a-f]+$/i), parentHash: hexShape });
const versionShape = z.looseObject({ specVersion: z.int(), transactionVersion: z.int() });

/** Connects. Rejects with an Error for an endpoint of another chain, and where something does not come in time. */
export async function openLink(options: LinkOptions, signal: AbortSignal): Promise<Link> {
  const { url, genesisHash } = options;
  const wire = await openWire(url, options, signal);
  try {
    const found = hexShape.parse(await wire.call("chain_getBlockHash", [0], signal)).slice(2);
    if (genesisHash !== undefined && found !== genesisHash) {
      throw new Error(`${url} is another chain: its block 0 is ${found}, but must be ${genesisHash}`);
    }
    const finalized = hexShape.parse(await wire.call("chain_getFinalizedHead", [], signal));
    const runtimeAt = runtimeReader(wire, options.runtimes);
    const runtime = await runtimeAt(finalized, signal);
    const header = async (hash: string, ended: AbortSignal): Promise<Head> =>
      headOf(await wire.call("chain_getHeader", [hash], ended), hash);
    const newest = await wire.call("chain_getHeader", [finalized], signal);
    const heads = new Heads(headOf(newest, finalized), options, wire);
    const hashOf = hashReader(wire, runtime, { header: newest, hash: finalized });
    await wire.subscribeFinalized((raw) => {
      const take = async (): Promise<void> => heads.take(headOf(raw, await hashOf(raw)));
      take().catch((error: Error) => wire.close(error));
    }, signal);
    return {
      url,
      ended: wire.ended,
      genesisHash: found,
      runtime,
      get head() {
        return heads.newest;
      },
      nextHead: (ended) => heads.next(ended),
      call: (method, params, ended) => wire.call(method, params, ended),
      header,
      runtimeAt,
      close: (reason) => wire.close(reason),
    };
  } catch (error) {
    wire.close(new Error("it cannot be used"));
    throw error;
  }
}

function headOf(raw: unknown, hash: string): Head {
  const { number, parentHash } = headerShape.parse(raw);
  return { number: Number(number), parentHash, hash };
}

/** How to tell a header's hash: computed, which saves a request, where that gives what is known of one; else asked for. */
function hashReader(wire: Wire, { registry }: Runtime, known: { readonly header: unknown; readonly hash: string }) {
  const computed = (raw: unknown): string => registry.createTypeUnsafe("Header", [raw]).hash.toHex();
  if (computed(known.header) === known.hash) return computed;
  return async (raw: unknown): Promise<string> => {
    const number = Number(headerShape.parse(raw).number);
    return hexShape.parse(await wire.call("chain_getBlockHash", [number], wire.ended));
  };
}

function runtimeReader(wire: Wire, runtimes: Map<number, Runtime>): Link["runtimeAt"] {
  return async (hash, signal) => {
    const at = hash === undefined ? [] : [hash];
    const versions = versionShape.parse(await wire.call("state_getRuntimeVersion", at, signal));
    const known = runtimes.get(versions.specVersion);
    if (known !== undefined) return known;
    const ask = async (name: string, data: string): Promise<string> =>
      hexShape.parse(await wire.call("state_call", [name, data, ...at], signal));
    const best = metadataVersionOf(await ask("Metadata_metadata_versions", "0x"));
    const version = `0x${best.toString(16).padStart(2, "0")}000000`;
    const runtime = openRuntime(await ask("Metadata_metadata_at_version", version), versions);
    runtimes.set(versions.specVersion, runtime);
    return runtime;
  };
}

/** The finalized blocks of a connection, and what to do when none come. */
class Heads {
  readonly #waiting = new Set<() => void>();
  #newestMs: number;

  constructor(
    public newest: Head,
    private readonly options: LinkOptions,
    private readonly wire: Wire,
  ) {
    this.#newestMs = options.clock.now();
    wire.ended.addEventListener("abort", () => this.#wake(), { once: true });
    void this.#watch();
  }

  take(head: Head): void {
    if (head.number <= this.newest.number) return;
    this.newest = head;
    this.#newestMs = this.options.clock.now();
    this.#wake();
  }

  next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.wire.ended.aborted) {
        resolve();
        return;
      }
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", abort);
        resolve();
      };
      const abort = (): void => {
        this.#waiting.delete(wake);
        reject(signal.reason as Error);
      };
      if (signal.aborted) {
        abort();
        return;
      }
      this.#waiting.add(wake);
      signal.addEventListener("abort", abort, { once: true });
    });
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  /** A socket may be half open for days: only blocks show that it lives. */
  async #watch(): Promise<void> {
    const { clock, staleAfterMs, url } = this.options;
    while (!this.wire.ended.aborted) {
      await clock.sleepUntil(this.#newestMs + staleAfterMs, this.wire.ended).catch(() => {});
      if (this.wire.ended.aborted || clock.now() < this.#newestMs + staleAfterMs) continue;
      this.wire.close(new Error(`${url} has shown no new finalized block for ${staleAfterMs} ms`));
    }
  }
}
