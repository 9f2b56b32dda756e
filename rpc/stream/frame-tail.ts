/**
 * Follows the log and keeps its newest events encoded.
 */
import { messageOf } from "../../core/errors.js";
import type { Log } from "../../core/ports.js";
import { doorbellOf } from "../epoch-log/doorbell.js";
import type { EpochLog, Ticket } from "../epoch-log/epoch-log.js";
import { type Frame, FrameRing } from "./frame-ring.js";
import { RecentMap } from "../epoch-log/recent-map.js";
import {
  type PassedEvent,
  type WatchMessageOptions,
  happenedBy,
  passNext,
  snapshotRevision,
  watchFrame,
} from "./watch-messages.js";

/** What following the log needs. */
export interface FrameTailOptions extends WatchMessageOptions {
  /** Ends the following. */
  readonly ended: AbortSignal;
  readonly log: Log;
  /** Called whenever there may be something new in the ring. */
  readonly onAdvanced: () => void;
}

/** Events in the ring: a week of four-hour epochs, each with its close. */
const RING_EVENTS = 84;
/** Encoded events before the ring that are kept, for streams that come back after a long time. */
const OLD_FRAMES = 256;
const RETRY_MS = 1_000;

/** The log's newest events as frames. */
export class FrameTail {
  readonly #log: EpochLog;
  readonly #options: FrameTailOptions;
  readonly #ended: Ticket;
  readonly #old = new RecentMap<number, Promise<Frame | undefined>>(OLD_FRAMES);
  #ring: FrameRing | undefined;
  #isFollowing = false;

  constructor(log: EpochLog, options: FrameTailOptions) {
    this.#log = log;
    this.#options = options;
    this.#ended = doorbellOf(options.ended).ticket();
  }

  /** The newest events; undefined until the log could be read. */
  get ring(): FrameRing | undefined {
    return this.#ring;
  }

  /** Begins to follow; does nothing when it has begun already. */
  follow(): void {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    void this.#follow();
  }

  /** The first event after a revision below the ring, read from the records at most once for all who ask. */
  old(revision: number): Promise<Frame | undefined> {
    const held = this.#old.get(revision);
    if (held !== undefined) return held;
    const read = passNext(this.#log, revision, 0).then((event) => this.#frameOf(event));
    this.#old.set(revision, read);
    read.catch(() => this.#old.delete(revision));
    return read;
  }

  async #follow(): Promise<void> {
    const { clock, ended, log } = this.#options;
    while (!ended.aborted) {
      // Taken before reading: a change between reading and waiting has then rung already.
      const ticket = this.#log.ticket();
      try {
        await this.#read();
      } catch (error) {
        const facts = { event: "epochs_unreadable", err: messageOf(error) };
        log.warn(facts, "the epochs cannot be read; streams stay open and it is tried again");
        await clock.sleepUntil(clock.now() + RETRY_MS, ended).catch(() => {}); // Only the end of all ends it early.
        continue;
      }
      this.#options.onAdvanced();
      await this.#rung(ticket);
    }
  }

  async #read(): Promise<void> {
    const newest = await this.#log.newestRevision();
    const ring = this.#ring ?? new FrameRing(RING_EVENTS, snapshotRevision(newest));
    if (newest !== undefined) {
      for (;;) {
        const frame = this.#frameOf(await passNext(this.#log, ring.head, newest));
        if (frame === undefined) break;
        ring.push(frame);
      }
      ring.passTo(newest);
    }
    this.#ring = ring;
  }

  #frameOf(event: PassedEvent | undefined): Frame | undefined {
    if (event === undefined) return undefined;
    const { revision, passedRevision } = event;
    return { revision, passedRevision, bytes: watchFrame(happenedBy(event.event), passedRevision, this.#options) };
  }

  #rung(ticket: Ticket): Promise<void> {
    return new Promise((resolve) => {
      const stops: (() => void)[] = [];
      const rung = (): void => {
        for (const stop of stops) stop();
        resolve();
      };
      stops.push(ticket.onRing(rung), this.#ended.onRing(rung));
    });
  }
}
