/**
 * The hub: writes the events to every stream that was handed over.
 *
 * A stream is a cursor: the revision up to which it has been written. There is no queue per stream. Events are encoded
 * once into a ring of shared frames and written in slices, so that a call which comes in between does not wait for ten
 * thousand streams. A stream whose connection is full is passed over until it has drained; it then goes on from the
 * ring, or from the records where the ring has moved on. One that stays full is ended, and its caller comes back with
 * its last token.
 */
import { ZipnetError, messageOf } from "../../core/errors.js";
import type { Log } from "../../core/ports.js";
import type { EpochLog } from "../epoch-log/epoch-log.js";
import { toConnectError } from "../errors.js";
import { FrameTail } from "./frame-tail.js";
import { type OpenStream, streamEnd } from "./handover.js";
import { inSlices } from "../slices.js";
import { type WatchMessageOptions, drainDelayMs, drainedError, watchFrame } from "./watch-messages.js";

/** How the hub treats its streams. */
export interface EpochHubOptions extends WatchMessageOptions {
  /** A stream whose connection takes nothing for this long is ended. 1,000 and up. */
  readonly stallTimeoutMs: number;
  /** 0 (included) to 1 (excluded): spreads the bookmarks. */
  readonly random: () => number;
  /** Aborted when the process goes down: every stream then gets a Drain and ends. */
  readonly drain: AbortSignal;
  readonly log: Log;
}

/** A stream that joins. */
export interface JoiningStream {
  readonly stream: OpenStream;
  /** Everything up to it has been written or need not be. */
  readonly revision: number;
  /** Hotkey of the caller; decides its place in the drain window. */
  readonly caller: string;
  /** Called once, when the stream has closed for whatever reason. */
  readonly onLeft: () => void;
}

interface Member {
  readonly stream: OpenStream;
  readonly caller: string;
  cursor: number;
  hasCaughtUp: boolean;
  isReading: boolean;
  /** Since when the connection takes nothing; undefined while it does. */
  fullSinceMs: number | undefined;
  /** When the next bookmark is due if nothing else is written. */
  bookmarkMs: number;
  isEnded: boolean;
}

/** Streams that are written to before other work of the process gets its turn. */
const SLICE = 32;
/** Bookmarks come up to this part before their interval is over, so that streams which began together part. */
const BOOKMARK_JITTER = 0.1;
const TICKS_PER_INTERVAL = 50;
const LONGEST_TICK_MS = 1_000;

/** All streams of a process that were handed over. */
export class EpochHub {
  readonly #options: EpochHubOptions;
  readonly #members = new Set<Member>();
  readonly #tail: FrameTail;
  readonly #drained: Promise<void>;
  #isTicking = false;
  #fanningOut: Promise<void> | undefined;
  #mustFanOutAgain = false;
  #shared: { readonly what: string; readonly atMs: number; readonly frame: Buffer } | undefined;

  constructor(log: EpochLog, options: EpochHubOptions) {
    this.#options = options;
    this.#tail = new FrameTail(log, { ...options, ended: options.drain, onAdvanced: () => void this.#fanOut() });
    const { drain } = options;
    const begun = new Promise<void>((resolve) => {
      if (drain.aborted) resolve();
      else drain.addEventListener("abort", () => resolve(), { once: true });
    });
    this.#drained = begun.then(() => inSlices([...this.#members], SLICE, (member) => this.#drain(member)));
  }

  /** Streams that are open. */
  get size(): number {
    return this.#members.size;
  }

  /** Resolves after `drain`, once every stream has got its Drain and its end. */
  get drained(): Promise<void> {
    return this.#drained;
  }

  /** Takes a stream over, after its first message. */
  join({ stream, revision, caller, onLeft }: JoiningStream): void {
    const member: Member = {
      stream,
      caller,
      cursor: revision,
      hasCaughtUp: false,
      isReading: false,
      fullSinceMs: undefined,
      bookmarkMs: this.#nextBookmarkMs(),
      isEnded: false,
    };
    this.#members.add(member);
    stream.listen(
      () => {
        member.fullSinceMs = undefined;
        this.#deliver(member);
      },
      () => {
        this.#members.delete(member);
        onLeft();
      },
    );
    if (this.#options.drain.aborted) return this.#drain(member);
    this.#tail.follow();
    if (!this.#isTicking) void this.#tick();
    this.#deliver(member);
  }

  /** Writes what is there, until the stream has all of it or its connection is full. */
  #deliver(member: Member): void {
    const { ring } = this.#tail;
    // Beyond the ring: the token came from a replica that is ahead, and this one is about to hear of it.
    if (ring === undefined || member.isReading || ring.head < member.cursor) return;
    while (this.#takesMore(member)) {
      if (member.cursor < ring.floor) return void this.#readOld(member);
      const frame = ring.after(member.cursor);
      if (frame === undefined) {
        member.cursor = ring.head;
        if (!member.hasCaughtUp) this.#write(member, this.#sharedFrame("caughtUp", member.cursor));
        member.hasCaughtUp = true;
        return;
      }
      member.cursor = frame.passedRevision;
      this.#write(member, frame.bytes);
    }
  }

  async #readOld(member: Member): Promise<void> {
    member.isReading = true;
    try {
      for (let floor = this.#floor; member.cursor < floor && this.#takesMore(member); floor = this.#floor) {
        const frame = await this.#tail.old(member.cursor);
        const isBelow = frame !== undefined && frame.revision <= floor;
        member.cursor = isBelow ? frame.passedRevision : floor;
        if (isBelow) this.#write(member, frame.bytes);
      }
    } catch (error) {
      // The next tick tries again; until then the stream is silent, and its caller looks elsewhere.
      const facts = { event: "epochs_unreadable", err: messageOf(error) };
      this.#options.log.warn(facts, "old epochs cannot be read for a stream that is behind; it is tried again");
      return;
    } finally {
      member.isReading = false;
    }
    this.#deliver(member);
  }

  get #floor(): number {
    return this.#tail.ring?.floor ?? 0;
  }

  #takesMore(member: Member): boolean {
    if (member.isEnded || member.stream.isClosed) return false;
    if (!member.stream.isFull) return true;
    member.fullSinceMs ??= this.#options.clock.now();
    return false;
  }

  #write(member: Member, frames: Uint8Array): void {
    member.stream.write(frames);
    member.bookmarkMs = this.#nextBookmarkMs();
  }

  async #fanOut(): Promise<void> {
    this.#mustFanOutAgain = true;
    if (this.#fanningOut !== undefined) return;
    while (this.#mustFanOutAgain) {
      this.#mustFanOutAgain = false;
      this.#fanningOut = inSlices([...this.#members], SLICE, (member) => this.#deliver(member));
      await this.#fanningOut;
    }
    this.#fanningOut = undefined;
  }

  async #tick(): Promise<void> {
    this.#isTicking = true;
    const { clock, drain, bookmarkIntervalMs } = this.#options;
    const tickMs = Math.min(LONGEST_TICK_MS, Math.ceil(bookmarkIntervalMs / TICKS_PER_INTERVAL));
    while (this.#members.size > 0 && !drain.aborted) {
      await clock.sleepUntil(clock.now() + tickMs, drain).catch(() => {}); // Only the drain ends it early.
      const nowMs = clock.now();
      const due = [...this.#members].filter(
        (member) => member.bookmarkMs <= nowMs || member.fullSinceMs !== undefined || !member.hasCaughtUp,
      );
      await inSlices(due, SLICE, (member) => this.#lookAfter(member, nowMs));
    }
    this.#isTicking = false;
  }

  #lookAfter(member: Member, nowMs: number): void {
    if (member.fullSinceMs !== undefined) return this.#endIfStalled(member, nowMs);
    this.#deliver(member);
    const hasAll = member.hasCaughtUp && member.cursor === this.#tail.ring?.head && !member.isReading;
    if (!hasAll || member.bookmarkMs > nowMs || !this.#takesMore(member)) return;
    this.#write(member, this.#sharedFrame("bookmark", member.cursor));
  }

  #endIfStalled(member: Member, nowMs: number): void {
    const { stallTimeoutMs, tokens } = this.#options;
    const fullMs = nowMs - (member.fullSinceMs ?? nowMs);
    // The end waits behind what is not read; who does not read that either is cut.
    if (fullMs >= 2 * stallTimeoutMs) return member.stream.destroy();
    if (fullMs < stallTimeoutMs || member.isEnded) return;
    member.isEnded = true;
    const text = `nothing was read from this stream for ${stallTimeoutMs} ms; come back with its last token`;
    const resume_token = Buffer.from(tokens.encode(member.cursor)).toString("base64");
    member.stream.end(streamEnd(toConnectError(new ZipnetError("STREAM_STALLED", text, { resume_token }))));
  }

  #drain(member: Member): void {
    if (member.isEnded || member.stream.isClosed) return;
    member.isEnded = true;
    const reconnectDelayMs = drainDelayMs(member.caller, this.#options.drainWindowMs);
    member.stream.write(watchFrame({ case: "drain", value: { reconnectDelayMs } }, member.cursor, this.#options));
    member.stream.end(DRAINED);
  }

  #nextBookmarkMs(): number {
    const { bookmarkIntervalMs, clock, random } = this.#options;
    return clock.now() + bookmarkIntervalMs * (1 - BOOKMARK_JITTER * random());
  }

  /** A message that many streams get in the same moment. */
  #sharedFrame(what: "caughtUp" | "bookmark", revision: number): Buffer {
    const atMs = this.#options.clock.now();
    const key = `${what} ${revision}`;
    if (this.#shared?.what !== key || this.#shared.atMs !== atMs) {
      this.#shared = { what: key, atMs, frame: watchFrame({ case: what, value: {} }, revision, this.#options) };
    }
    return this.#shared.frame;
  }
}

const DRAINED = streamEnd(toConnectError(drainedError()));
