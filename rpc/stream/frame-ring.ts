/**
 * The newest events as encoded messages: one buffer each, shared by all streams.
 */

/** An event's message. */
export interface Frame {
  /** Where the event stands. */
  readonly revision: number;
  /** Where the message's token stands; nothing happened in between. */
  readonly passedRevision: number;
  readonly bytes: Buffer;
}

/** Holds every event after `floor` up to `head`. */
export class FrameRing {
  readonly #capacity: number;
  #frames: Frame[] = [];
  #floor: number;
  #head: number;

  /** capacity: frames that are held, 1 and up. floor: where it begins. */
  constructor(capacity: number, floor: number) {
    this.#capacity = capacity;
    this.#floor = floor;
    this.#head = floor;
  }

  /** Below it the records must be read. */
  get floor(): number {
    return this.#floor;
  }

  /** Up to it every event is known. */
  get head(): number {
    return this.#head;
  }

  /** Adds the event that follows head. */
  push(frame: Frame): void {
    if (frame.revision <= this.#head) throw new RangeError(`revision ${frame.revision} is not after ${this.#head}`);
    this.#frames.push(frame);
    this.#head = frame.passedRevision;
    if (this.#frames.length <= this.#capacity) return;
    const [dropped, ...kept] = this.#frames;
    this.#frames = kept;
    this.#floor = dropped?.passedRevision ?? this.#floor;
  }

  /** Says that nothing happened up to a revision. */
  passTo(revision: number): void {
    this.#head = Math.max(this.#head, revision);
  }

  /** The first event after a revision, which is at or above floor. */
  after(revision: number): Frame | undefined {
    // From the end: a stream that keeps up asks for the last one.
    let index = this.#frames.length;
    while (index > 0 && (this.#frames[index - 1]?.revision ?? 0) > revision) index -= 1;
    return this.#frames[index];
  }
}
