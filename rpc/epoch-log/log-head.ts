/**
 * How far the log of epochs has got on this replica: the newest recorded epoch, and who is told when there is a newer.
 */
import { epochIdOf, epochNumberAt, epochStartMs } from "../../core/epoch-time.js";
import type { Clock } from "../../core/ports.js";
import { doorbell } from "./doorbell.js";
import type { EpochIndex } from "./epoch-index.js";
import { type Ticket, openedRevision } from "./epoch-log.js";
import type { StoredEpochs } from "./stored-epochs.js";

/** What is known of the newest epoch. */
export interface Head {
  readonly number: number;
  /** Whether the close of the epoch before it is recorded, or cannot be. */
  readonly isSettled: boolean;
}

/** The revision up to which a log with this head is settled. */
export function revisionOf(head: Head): number {
  return openedRevision(head.number) + (head.isSettled ? 1 : 0);
}

/** Where the head is looked for. */
export interface LogHeadOptions {
  readonly stored: StoredEpochs;
  readonly index: EpochIndex;
  readonly clock: Clock;
  readonly epochLengthSeconds: number;
  readonly keptEpochs: number;
}

/** The head of the log. It only ever moves forwards. All methods that read may reject with UNAVAILABLE. */
export class LogHead {
  readonly #options: LogHeadOptions;
  readonly #bell = doorbell();
  #head: Head | undefined;
  #hasLooked = false;
  #looking: Promise<void> | undefined;
  #mustLookAgain = false;

  constructor(options: LogHeadOptions) {
    this.#options = options;
  }

  /** The head as far as it is known here; undefined before the first look and while there is no epoch. */
  get known(): Head | undefined {
    return this.#head;
  }

  /** A ticket for the next move of the head. */
  ticket(): Ticket {
    return this.#bell.ticket();
  }

  /** The head, looked for in the store unless that was done before; undefined while there is no epoch. */
  async loaded(): Promise<Head | undefined> {
    if (!this.#hasLooked) await this.look();
    return this.#head;
  }

  /**
   * As loaded, but looked for again where by the clock a later epoch may have been recorded: for those who ask for the
   * newest and may have seen it elsewhere.
   */
  async newest(): Promise<Head | undefined> {
    if (this.#hasLooked && this.#isRunning()) return this.#head;
    await this.look();
    return this.#head;
  }

  /** The head where by the clock there cannot be a later one; undefined otherwise. */
  get surelyNewest(): Head | undefined {
    return this.#isRunning() ? this.#head : undefined;
  }

  /** Looks at the store. Whoever asks while a look is under way gets the result of one that began afterwards. */
  look(): Promise<void> {
    this.#mustLookAgain = true;
    this.#looking ??= this.#lookUntilDone();
    return this.#looking;
  }

  /** Moves to a recorded epoch, or over the close of the one before it, and rings; does nothing when it is there already. */
  async advanceTo(number: number): Promise<void> {
    const { stored } = this.#options;
    const previous = this.#idOf(number - 1);
    const isOpenEnded = (await stored.epoch(previous)) !== undefined && (await stored.closed(previous)) === undefined;
    this.#moveTo({ number, isSettled: !isOpenEnded });
  }

  /**
   * As advanceTo, from what is in memory alone; whether that was enough. It is not when the head is not known yet or an
   * epoch in between may be: then only the store can tell.
   */
  advanceNear(number: number): boolean {
    const head = this.#head;
    if (head === undefined || number > head.number + 1) return false;
    const isNewest = number === head.number;
    // The epoch before is recorded: it is the head, or what an unsettled head waits for the close of. A snapshot that is
    // recorded but not in memory, the next look at the store finds.
    const isSettled = (isNewest && head.isSettled) || this.#options.stored.holdsSnapshot(this.#idOf(number - 1));
    this.#moveTo({ number, isSettled });
    return true;
  }

  /**
   * Moves over the close of an epoch whose snapshot is in memory now; whether that was enough. It is not when no later
   * epoch is known: mostly an epoch closes once the next one is open, so this replica may be behind.
   */
  settleNear(closedNumber: number): boolean {
    const head = this.#head;
    if (head === undefined || head.number <= closedNumber) return false;
    return this.advanceNear(head.number);
  }

  #moveTo(head: Head): void {
    if (this.#head !== undefined && revisionOf(head) <= revisionOf(this.#head)) return;
    this.#head = head;
    this.#bell.ring();
  }

  async #lookUntilDone(): Promise<void> {
    try {
      while (this.#mustLookAgain) {
        this.#mustLookAgain = false;
        const newest = await this.#newestNumber();
        if (newest !== undefined) await this.advanceTo(newest);
      }
      this.#hasLooked = true;
    } finally {
      // In the same turn as the last check, so that no wish to look again falls in between.
      this.#looking = undefined;
    }
  }

  async #newestNumber(): Promise<number | undefined> {
    const { clock, epochLengthSeconds, index, keptEpochs } = this.#options;
    if (this.#head !== undefined) return (await index.newestAfter(this.#head.number)) ?? this.#head.number;
    // Usually the newest is recent; only after a long pause are all keys listed.
    const guess = epochNumberAt(clock.now(), epochLengthSeconds) - keptEpochs;
    return (await index.newestAfter(guess)) ?? (await index.newestAfter(-1));
  }

  /** Whether the head is the epoch that runs by the clock, or a later one. */
  #isRunning(): boolean {
    const { clock, epochLengthSeconds } = this.#options;
    return this.#head !== undefined && this.#head.number >= epochNumberAt(clock.now(), epochLengthSeconds);
  }

  #idOf(epochNumber: number): string {
    return epochIdOf(epochStartMs(epochNumber, this.#options.epochLengthSeconds));
  }
}
