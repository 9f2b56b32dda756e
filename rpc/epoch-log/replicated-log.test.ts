/**
 * Replicas on one store whose doorbell loses, delays, swaps and invents notes: whoever walks their logs, going from one to
 * the other, sees every event once and in order.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { manualClock } from "../../adapters/clock/manual-clock.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import { epochStartMs } from "../../core/epoch-time.js";
import type { Cache } from "../../core/ports.js";
import { encodeRecord } from "../../core/signed-record.js";
import type { EpochLog } from "./epoch-log.js";
import { EPOCH_SECONDS, FIRST, epochRecord, idOf, keys, logOver, snapshotRecord } from "../kit.test-support.js";
import { mapCache, mapObjects } from "../memory.test-support.js";
import type { RecordedEpochs } from "./recorded-epochs.js";

const REPLICAS = 3;
const MOST_EPOCHS = 12;

type Command =
  /** A replica records the next epoch, or leaves it out for good. */
  | { readonly kind: "open" | "skip"; readonly replica: number }
  /** A replica records the snapshot of the oldest epoch that lacks one. */
  | { readonly kind: "close"; readonly replica: number }
  /** A note that is on its way to a replica arrives, or is lost; with none, a ring without a note. */
  | { readonly kind: "deliver" | "lose"; readonly replica: number; readonly which: number }
  /** Something that no server has sent arrives. */
  | { readonly kind: "invent"; readonly replica: number; readonly which: number }
  /** The walker goes on at a replica. */
  | { readonly kind: "walk"; readonly replica: number };

const replica = fc.nat({ max: REPLICAS - 1 });
const which = fc.nat({ max: 20 });
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("open" as const), replica }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("skip" as const), replica }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("close" as const), replica }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom("deliver" as const, "lose" as const), replica, which }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("invent" as const), replica, which }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("walk" as const), replica }) },
);

/** Replicas whose rings are delivered by hand. */
class World {
  readonly #clock = manualClock(epochStartMs(FIRST, EPOCH_SECONDS));
  readonly #objects = mapObjects();
  readonly #listeners: ((notes: readonly Uint8Array[]) => void)[] = [];
  readonly #onTheWay: (Uint8Array | undefined)[][] = Array.from({ length: REPLICAS }, () => []);
  readonly #logs: RecordedEpochs[];
  readonly #unclosed: number[] = [];
  readonly #known: string[] = [];
  #next = FIRST;
  #cursor = 0;
  /** What the walker has seen: "+3" for the fourth epoch opening, "-3" for its close. */
  readonly seen: string[] = [];

  constructor() {
    this.#logs = Array.from({ length: REPLICAS }, (_, index) =>
      logOver(this.#clock, { objects: this.#objects, cache: this.#cacheOf(index), keptEpochs: 1_000 }),
    );
  }

  async play(next: Command): Promise<void> {
    const log = this.#logs[next.replica] ?? assert.fail();
    if (next.kind === "open" && this.#mayOpen()) await this.#open(log);
    if (next.kind === "skip" && this.#next < FIRST + MOST_EPOCHS) this.#next += 1;
    if (next.kind === "close" && this.#unclosed.length > 0) {
      await log.recordSnapshot(snapshots[(this.#unclosed.shift() ?? 0) - FIRST] ?? assert.fail());
    }
    if (next.kind === "deliver" || next.kind === "lose") {
      const notes = this.#onTheWay[next.replica] ?? [];
      const [note] = notes.splice(next.which % Math.max(1, notes.length), 1);
      if (next.kind === "deliver") this.#listeners[next.replica]?.(note === undefined ? [] : [note]);
    }
    if (next.kind === "invent")
      this.#listeners[next.replica]?.([inventions[next.which % inventions.length] ?? assert.fail()]);
    if (next.kind === "walk") await this.#walk(log);
    await new Promise((resolve) => setImmediate(resolve));
    const known = log.newestKnownId() ?? "";
    assert.ok(known >= (this.#known[next.replica] ?? ""), "a replica never goes back");
    this.#known[next.replica] = known;
  }

  /** Every replica hears one more ring; then the walker reads each to its end. */
  async settle(): Promise<void> {
    for (const listener of this.#listeners) listener([]);
    for (const log of this.#logs) {
      await log.newestRevision(Number.MAX_SAFE_INTEGER);
      await this.#walk(log);
    }
  }

  /** What a replica sees that starts now. */
  async story(): Promise<string[]> {
    const told: string[] = [];
    await follow(logOver(this.#clock, { objects: this.#objects, keptEpochs: 1_000 }), 0, told);
    return told;
  }

  #mayOpen(): boolean {
    const lacking = this.#unclosed[0];
    return (
      this.#next < FIRST + MOST_EPOCHS &&
      (lacking === undefined || (this.#unclosed.length === 1 && lacking === this.#next - 1))
    );
  }

  async #open(log: RecordedEpochs): Promise<void> {
    await this.#clock.advanceTo(epochStartMs(this.#next, EPOCH_SECONDS));
    await log.recordEpoch(epochs[this.#next - FIRST] ?? assert.fail());
    this.#unclosed.push(this.#next);
    this.#next += 1;
  }

  async #walk(log: EpochLog): Promise<void> {
    const newest = (await log.newestRevision(this.#cursor)) ?? 0;
    assert.ok(newest >= this.#cursor, "a replica catches up with the walker before it answers");
    this.#cursor = await follow(log, this.#cursor, this.seen);
  }

  #cacheOf(index: number): Cache {
    return {
      ...mapCache(this.#clock),
      ring: async (_topic, note) => {
        for (const queue of this.#onTheWay) queue.push(note);
      },
      onRing: (_topic, listener) => {
        this.#listeners[index] = listener;
        return () => {};
      },
    };
  }
}

/** Reads a log to its end; where that is. */
async function follow(log: EpochLog, from: number, seen: string[]): Promise<number> {
  let cursor = from;
  for (let at = await log.next(cursor); at !== undefined; at = await log.next(cursor)) {
    assert.ok(at.revision > cursor && at.revision <= ((await log.newestRevision()) ?? 0));
    cursor = at.revision;
    const isOpening = at.event.kind === "epoch";
    if (at.event.kind === "epoch") assert.equal(at.event.record.signer, keys("server").hotkey);
    seen.push(isOpening ? `+${cursor / 2 - FIRST}` : `-${(cursor - 1) / 2 - 1 - FIRST}`);
  }
  return Math.max(cursor, (await log.newestRevision()) ?? 0);
}

let epochs: ReturnType<typeof epochRecord>[] = [];
let snapshots: ReturnType<typeof snapshotRecord>[] = [];
let inventions: Uint8Array[] = [];

describe("replicated logs", function () {
  this.timeout(60_000);
  before(async () => {
    await readyCrypto();
    epochs = Array.from({ length: MOST_EPOCHS }, (_, index) => epochRecord(FIRST + index));
    snapshots = Array.from({ length: MOST_EPOCHS }, (_, index) => snapshotRecord(FIRST + index));
    const forged = epochs.map((_, index) => epochRecord(FIRST + index, { signer: keys("stranger") }));
    inventions = [new Uint8Array(), new Uint8Array(300).fill(0x0a), ...forged.map(encodeRecord)];
  });

  it("tell every event once and in order, whatever becomes of the notes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 10, maxLength: 80 }), async (commands) => {
        const world = new World();
        for (const next of commands) await world.play(next);
        await world.settle();
        assert.deepEqual(world.seen, await world.story());
      }),
      { numRuns: 400 },
    );
  });

  it("have an epoch by its id on every replica as soon as one has recorded it", async () => {
    const clock = manualClock(epochStartMs(FIRST, EPOCH_SECONDS));
    const objects = mapObjects();
    const [writer, reader] = [logOver(clock, { objects }), logOver(clock, { objects })];
    assert.equal(await reader.encodedEpoch(idOf(FIRST)), undefined);
    await writer.recordEpoch(epochs[0] ?? assert.fail());
    assert.deepEqual(await reader.encodedEpoch(idOf(FIRST)), await writer.encodedEpoch(idOf(FIRST)));
  });
});
