/**
 * Finalized blocks, with their times.
 */
import { compactFromU8a, hexToU8a } from "@polkadot/util";
import { z } from "zod";
import { ZipnetError } from "../../../core/errors.js";
import type { Block } from "../../../core/ports.js";
import type { Head, Link } from "./link.js";
import type { Runtime } from "./runtime.js";
import type { Session } from "./session.js";
import { RpcRefusal } from "./wire.js";

/** Blocks that are remembered: what a search for a seed block passes over, many times. */
const MOST_KEPT = 5_000;

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

const valueShape = z.union([z.null(), z.string()]);
const hashShape = z.union([z.null(), z.string().regex(/^0x[0-9a-f]{64}$/i)]);
const bodyShape = z.looseObject({ block: z.looseObject({ extrinsics: z.array(z.string()) }) });

/** Reads finalized blocks, each once. */
export class Blocks {
  readonly #byHash = new Map<string, Block>();
  readonly #byNumber = new Map<number, Block>();

  constructor(private readonly session: Session) {}

  /** The newest finalized block. */
  newest(signal: AbortSignal): Promise<Block> {
    return this.session.run(signal, (link) => this.ofHead(link, link.head, signal));
  }

  /** A finalized block by number; undefined where it is not finalized yet. */
  async byNumber(number: number, signal: AbortSignal): Promise<Block | undefined> {
    signal.throwIfAborted();
    const known = this.#byNumber.get(number);
    if (known !== undefined) return known;
    return this.session.run(signal, async (link) => {
      if (number > link.head.number) return undefined;
      const hash = hashShape.parse(await link.call("chain_getBlockHash", [number], signal));
      if (hash === null) throw new Error(`${link.url} has no block ${number}, though ${link.head.number} is finalized`);
      return this.ofHead(link, await link.header(hash, signal), signal);
    });
  }

  /** Finalized blocks as they come. Ends with the signal. */
  async *watch(signal: AbortSignal): AsyncGenerator<Block> {
    const { clock } = this.session;
    let shown = -1;
    let pauseMs = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      try {
        const link = await this.session.link(signal);
        if (link.head.number <= shown) {
          await link.nextHead(signal);
          continue;
        }
        const block = await this.newest(signal);
        pauseMs = FIRST_PAUSE_MS;
        if (block.number <= shown || signal.aborted) continue;
        shown = block.number;
        yield block;
      } catch {
        // Whatever broke, the answer is the next connection.
        await clock.sleepUntil(clock.now() + pauseMs, signal).catch(() => {});
        pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      }
    }
  }

  /** A finalized block whose header is known. */
  async ofHead(link: Link, head: Head, signal: AbortSignal): Promise<Block> {
    const known = this.#byHash.get(head.hash);
    if (known !== undefined) return known;
    const timeMs = await timeOf(link, head, signal);
    const { number } = head;
    const block = { number, hash: plain(head.hash), parentHash: plain(head.parentHash), timeMs };
    this.#byHash.set(head.hash, block);
    this.#byNumber.set(number, block);
    this.session.saw(number);
    for (const [hash, { number: oldest }] of this.#byHash) {
      if (this.#byHash.size <= MOST_KEPT) break;
      this.#byHash.delete(hash);
      this.#byNumber.delete(oldest);
    }
    return block;
  }
}

function plain(hash: string): string {
  return hash.slice(2).toLowerCase();
}

/** A block's time: from its state, or, where the endpoint has dropped that, from the block itself. */
async function timeOf(link: Link, { hash, number }: Head, signal: AbortSignal): Promise<number> {
  const { runtime } = link;
  try {
    const key = runtime.storageKey("timestamp.now");
    const value = valueShape.parse(await link.call("state_getStorage", [key, hash], signal));
    return Number(runtime.decodeStorage("timestamp.now", value));
  } catch (error) {
    if (!(error instanceof RpcRefusal)) throw error;
    if (number === 0)
      throw new ZipnetError("UNAVAILABLE", `block 0 carries no time, and ${link.url} has dropped its state`);
    const { block } = bodyShape.parse(await link.call("chain_getBlock", [hash], signal));
    const timeMs = block.extrinsics.map((hex) => timeSet(hex, runtime)).find((found) => found !== undefined);
    if (timeMs === undefined) throw new Error(`block ${number} of ${link.url} sets no time`, { cause: error });
    return timeMs;
  }
}

/** What an extrinsic sets the time to; undefined for every other extrinsic. */
function timeSet(hex: string, runtime: Runtime): number | undefined {
  const bytes = hexToU8a(hex);
  const [offset] = compactFromU8a(bytes);
  const [version = 0, pallet, call] = bytes.subarray(offset);
  const wanted = runtime.callIndex("timestamp", "set");
  const isUnsigned = version === 4 || version === 5;
  if (!isUnsigned || wanted === undefined || pallet !== wanted[0] || call !== wanted[1]) return undefined;
  return compactFromU8a(bytes.subarray(offset + 3))[1].toNumber();
}
