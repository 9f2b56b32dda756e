/**
 * The doorbell as a Redis Stream. Every replica reads on from the last ring that it has seen, so those that came while
 * its connection was away arrive late instead of never. What Redis itself has forgotten shows in two ways: a ring names
 * another one before it than the last one seen, or the newest ring is older than that. So that there is always a last one
 * seen, whoever finds no ring at all adds one that nobody hears.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import { type Doorbell, MOST_NOTE_BYTES } from "./doorbell.js";

/** Rings that are kept for replicas that are away; some more where they are short. */
const KEPT_RINGS = 64;
/** A doorbell that nobody has rung for this long is forgotten. */
const RINGS_TTL_MS = 24 * 3_600_000;
const RINGS_PER_READ = 16;
/** A read that waits this long for a ring makes sure that the stream is still the one it was. */
const BLOCK_MS = 3_000;
/** The reading connection counts as lost when nothing comes for so long, its waiting included. */
export const READ_SILENCE_MS = BLOCK_MS + 2_000;
const PAUSE_AFTER_REFUSAL_MS = 1_000;

const NOBODYS_TOPIC = "";

/** The note stays where it is: it would travel along every time. */
const NEWEST = `
local last = redis.call("XREVRANGE", KEYS[1], "+", "-", "COUNT", 1)[1]
return last and { last[1], last[2][2] }`;

/** In one step, so that each ring names the one right before it. */
const RING = `
local last = redis.call("XREVRANGE", KEYS[1], "+", "-", "COUNT", 1)[1]
local after = last and last[2][2] or ""
local ring = { "name", ARGV[3], "after", after, "topic", ARGV[4], unpack(ARGV, 5) }
local id = redis.call("XADD", KEYS[1], "MAXLEN", "~", ARGV[1], "*", unpack(ring))
redis.call("PEXPIRE", KEYS[1], ARGV[2])
return id`;

/** Which ring: where it stands in the stream, and a name that no other ring has in any stream. */
interface Place {
  readonly id: string;
  readonly name: string;
}

/** A ring as the stream holds it. What is not one of ours has empty texts. */
interface Ring extends Place {
  /** Name of the ring before it. */
  readonly after: string;
  readonly topic: string;
  readonly note: Uint8Array | undefined;
}

/** Adds a ring to the stream. */
export async function addRing(redis: Redis, key: string, topic: string, note?: Uint8Array): Promise<Place> {
  const fields = note === undefined || note.byteLength > MOST_NOTE_BYTES ? [] : ["note", Buffer.from(note)];
  const name = randomUUID();
  const id = await redis.eval(RING, 1, key, KEPT_RINGS, RINGS_TTL_MS, name, topic, ...fields);
  return { id: String(id), name };
}

/** Reads a stream of rings into a doorbell. */
export class RingReader {
  readonly #redis: Redis;
  readonly #key: string;
  readonly #bell: Doorbell;
  #last: Place = { id: "0-0", name: "" };

  /** @param redis a connected connection of its own: it waits most of the time. */
  constructor(redis: Redis, key: string, bell: Doorbell) {
    this.#redis = redis;
    this.#key = key;
    this.#bell = bell;
  }

  /** Takes the newest ring as seen. Every ring after it is heard. */
  async start(): Promise<void> {
    this.#last = await this.#newest();
  }

  /** Reads until the signal, over lost connections and whatever becomes of Redis. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#redis.status !== "ready") await once(this.#redis, "ready", { signal });
        await this.#checkPlace();
        while (!signal.aborted) if (!(await this.#readOnce())) break;
      } catch {
        // A lost connection is waited for above; what Redis refuses, it may take later.
        if (this.#redis.status === "ready") await pause(PAUSE_AFTER_REFUSAL_MS, undefined, { signal }).catch(() => {});
      }
    }
  }

  /** Waits for rings and passes them on; false when none came in time. */
  async #readOnce(): Promise<boolean> {
    const from = ["STREAMS", this.#key, this.#last.id] as const;
    const answer = await this.#redis.xreadBuffer("COUNT", RINGS_PER_READ, "BLOCK", BLOCK_MS, ...from);
    const rings = (answer?.[0]?.[1] ?? []).map(([id, fields]) => ringOf(id, fields));
    const last = rings.at(-1);
    if (last === undefined) return false;
    const isWhole = rings.every(({ after }, index) => after === (rings[index - 1] ?? this.#last).name);
    this.#last = last;
    for (const topic of new Set(rings.map((ring) => ring.topic)))
      this.#pass(rings.filter((ring) => ring.topic === topic));
    if (!isWhole) this.#bell.ringAll();
    return true;
  }

  /** Rings of one topic. */
  #pass(rings: readonly Ring[]): void {
    const topic = rings[0]?.topic ?? "";
    const notes = rings.flatMap(({ note }) => note ?? []);
    if (notes.length > 0) this.#bell.ring(topic, notes);
    if (notes.length < rings.length) this.#bell.ring(topic, []);
  }

  /** Begins anew where the stream's newest ring is not the last one seen, nor after it: Redis has lost what it had. */
  async #checkPlace(): Promise<void> {
    const newest = await this.#newest();
    const isSame = newest.id === this.#last.id && newest.name === this.#last.name;
    if (isSame || isBefore(this.#last.id, newest.id)) return;
    this.#last = newest;
    this.#bell.ringAll();
  }

  async #newest(): Promise<Place> {
    const newest = await this.#redis.eval(NEWEST, 1, this.#key);
    if (!Array.isArray(newest)) return await addRing(this.#redis, this.#key, NOBODYS_TOPIC);
    const [id, name] = newest.map(String);
    return { id: id ?? "", name: name ?? "" };
  }
}

function ringOf(id: Buffer, fields: readonly Buffer[]): Ring {
  const named = new Map<string, Buffer>();
  for (let index = 0; index + 1 < fields.length; index += 2) {
    named.set(String(fields[index]), fields[index + 1] ?? Buffer.alloc(0));
  }
  const note = named.get("note");
  return {
    id: id.toString(),
    name: String(named.get("name") ?? ""),
    after: String(named.get("after") ?? ""),
    topic: String(named.get("topic") ?? ""),
    note: note === undefined ? undefined : Uint8Array.from(note),
  };
}

/** Whether one id of a stream is before another: "<milliseconds>-<sequence>". */
function isBefore(id: string, other: string): boolean {
  const [ms = 0n, sequence = 0n] = id.split("-").map(BigInt);
  const [otherMs = 0n, otherSequence = 0n] = other.split("-").map(BigInt);
  return ms < otherMs || (ms === otherMs && sequence < otherSequence);
}
