import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { Cache } from "../../core/ports.js";

/** A cache to be tested, with whatever it takes to do so. */
export interface CacheUnderTest {
  readonly cache: Cache;
  /** The same cache as another replica has it. */
  readonly second: Cache;
  /** Lets time pass, until at least ms later. */
  passTime(ms: number): Promise<void>;
  /** Ends what was started for the test. */
  stop(): Promise<void>;
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const LONG_MS = 60_000;

/** Waits, turn by turn, until a condition holds; mocha's timeout ends it when it never does. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setImmediate();
}

/** What every cache keeps. create gives an empty one. */
export function cacheContract(name: string, create: () => Promise<CacheUnderTest>): void {
  describe(`cache contract: ${name}`, function () {
    this.timeout(20_000);
    let tested: CacheUnderTest;
    let cache: Cache;
    let second: Cache;
    beforeEach(async () => {
      tested = await create();
      ({ cache, second } = tested);
    });
    afterEach(() => tested.stop());

    it("gives back what was set last, byte for byte", async () => {
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
      assert.equal(await cache.get("a"), undefined);
      await cache.set("a", text("before"), LONG_MS);
      await cache.set("a", bytes, LONG_MS);
      await cache.set("empty", new Uint8Array(), LONG_MS);
      assert.deepEqual(await cache.get("a"), bytes);
      assert.deepEqual(await second.get("a"), bytes);
      assert.deepEqual(await cache.get("empty"), new Uint8Array());
      assert.equal(await cache.get("b"), undefined);
    });

    it("keeps its own copy", async () => {
      const bytes = text("abc");
      await cache.set("a", bytes, LONG_MS);
      bytes.fill(0);
      (await cache.get("a"))?.fill(0);
      assert.deepEqual(await cache.get("a"), text("abc"));
    });

    it("forgets when the time to live is over, and counts it anew with every set", async () => {
      await cache.set("short", text("x"), 200);
      await cache.set("long", text("x"), LONG_MS);
      await cache.set("renewed", text("x"), 200);
      await cache.set("renewed", text("y"), LONG_MS);
      assert.deepEqual(await cache.get("short"), text("x"));
      await tested.passTime(200);
      assert.equal(await cache.get("short"), undefined);
      assert.deepEqual(await cache.get("long"), text("x"));
      assert.deepEqual(await cache.get("renewed"), text("y"));
    });

    it("sets an absent key once, until it is forgotten", async () => {
      assert.equal(await cache.setIfAbsent("nonce", text("1"), 200), true);
      assert.equal(await second.setIfAbsent("nonce", text("2"), LONG_MS), false);
      assert.deepEqual(await cache.get("nonce"), text("1"));
      await tested.passTime(200);
      assert.equal(await second.setIfAbsent("nonce", text("3"), LONG_MS), true);
      assert.deepEqual(await cache.get("nonce"), text("3"));
    });

    it("lets exactly one of many simultaneous setters win", async () => {
      const won = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          (index % 2 === 0 ? cache : second).setIfAbsent("race", text(`${index}`), LONG_MS),
        ),
      );
      assert.equal(won.filter(Boolean).length, 1);
      assert.deepEqual(await cache.get("race"), text(`${won.indexOf(true)}`));
    });

    it("counts every increment once", async () => {
      const sums = await Promise.all(
        Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? cache : second).increment("count", LONG_MS)),
      );
      const expected = Array.from({ length: 100 }, (_, index) => index + 1);
      assert.deepEqual(
        sums.toSorted((a, b) => a - b),
        expected,
      );
      assert.equal(await cache.increment("other", LONG_MS), 1);
    });

    it("ends a count its time to live after the first increment, however often it grew", async () => {
      assert.equal(await cache.increment("minute", 400), 1);
      await tested.passTime(200);
      assert.equal(await cache.increment("minute", 400), 2);
      await tested.passTime(200);
      assert.equal(await cache.increment("minute", 400), 1);
    });

    it("sets an absent key and counts, or does neither", async () => {
      const nonce = (key: string) => ({ key, ttlMs: 200 });
      const count = { key: "minute", ttlMs: LONG_MS };
      assert.equal(await cache.setAndCount(nonce("1"), count), 1);
      assert.equal(await second.setAndCount(nonce("1"), count), undefined);
      assert.equal(await second.setAndCount(nonce("2"), count), 2);
      assert.deepEqual(await cache.get("1"), new Uint8Array());
      assert.equal(await cache.increment("minute", LONG_MS), 3);
      await tested.passTime(200);
      assert.equal(await cache.setAndCount(nonce("1"), count), 4);
    });

    it("ends a count beside a key its time to live after the first, however often it grew", async () => {
      const count = { key: "minute", ttlMs: 400 };
      assert.equal(await cache.setAndCount({ key: "1", ttlMs: LONG_MS }, count), 1);
      await tested.passTime(200);
      assert.equal(await cache.setAndCount({ key: "2", ttlMs: LONG_MS }, count), 2);
      await tested.passTime(200);
      assert.equal(await cache.setAndCount({ key: "3", ttlMs: LONG_MS }, count), 1);
    });

    it("lets one of many simultaneous setters of a key count", async () => {
      const count = { key: "count", ttlMs: LONG_MS };
      const sums = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          (index % 2 === 0 ? cache : second).setAndCount({ key: "race", ttlMs: LONG_MS }, count),
        ),
      );
      assert.deepEqual(
        sums.filter((sum) => sum !== undefined),
        [1],
      );
    });

    it("refuses a time to live that is none", async () => {
      for (const ttlMs of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        await assert.rejects(async () => cache.set("a", text("x"), ttlMs), RangeError);
        await assert.rejects(async () => cache.setIfAbsent("a", text("x"), ttlMs), RangeError);
        await assert.rejects(async () => cache.increment("a", ttlMs), RangeError);
        const [bad, good] = [
          { key: "a", ttlMs },
          { key: "b", ttlMs: LONG_MS },
        ];
        await assert.rejects(async () => cache.setAndCount(bad, good), RangeError);
        await assert.rejects(async () => cache.setAndCount(good, bad), RangeError);
        await assert.rejects(async () => cache.lock("a", ttlMs), RangeError);
      }
      assert.equal(await cache.get("a"), undefined);
      assert.equal(await cache.get("b"), undefined);
    });

    it("rings every listener of the topic, on every replica, and no other topic's", async () => {
      const heard = { here: 0, alsoHere: 0, there: 0, otherTopic: 0 };
      cache.onRing("epoch", () => (heard.here += 1));
      cache.onRing("epoch", () => (heard.alsoHere += 1));
      second.onRing("epoch", () => (heard.there += 1));
      second.onRing("other", () => (heard.otherTopic += 1));
      await cache.ring("epoch");
      await until(() => heard.here === 1 && heard.alsoHere === 1 && heard.there === 1);
      await second.ring("epoch");
      await until(() => heard.here === 2 && heard.alsoHere === 2 && heard.there === 2);
      assert.equal(heard.otherTopic, 0);
    });

    it("brings the notes of rings, in order, to every replica", async () => {
      const heard: Uint8Array[] = [];
      second.onRing("epoch", (notes) => heard.push(...notes));
      const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index);
      const longest = new Uint8Array(1024 * 1024).fill(7);
      const sent = [everyByte, new Uint8Array(), longest, text("last")];
      for (const note of sent) await cache.ring("epoch", note);
      await until(() => heard.length === sent.length);
      assert.deepEqual(heard, sent);
    });

    it("brings a ring without a note, or with one that is too long, as a ring without notes", async () => {
      const heard: number[] = [];
      second.onRing("epoch", (notes) => heard.push(notes.length));
      await cache.ring("epoch");
      await until(() => heard.length === 1);
      await cache.ring("epoch", new Uint8Array(1024 * 1024 + 1));
      await until(() => heard.length === 2);
      assert.deepEqual(heard, [0, 0]);
    });

    it("does not care what becomes of a note's bytes after the ring", async () => {
      let heard: Uint8Array | undefined;
      cache.onRing("epoch", ([note]) => (heard = note));
      const note = text("abc");
      const ringing = cache.ring("epoch", note);
      note.fill(0);
      await ringing;
      await until(() => heard !== undefined);
      assert.deepEqual(heard, text("abc"));
    });

    it("holds many listeners", async () => {
      let heard = 0;
      for (let index = 0; index < 5_000; index += 1) cache.onRing("epoch", () => (heard += 1));
      await second.ring("epoch");
      await until(() => heard === 5_000);
    });

    it("calls a listener no more once it stopped, and its twin all the same", async () => {
      let stopped = 0;
      let twin = 0;
      const listener = (): void => void (stopped += 1);
      const stop = cache.onRing("epoch", listener);
      cache.onRing("epoch", () => (twin += 1));
      const stopSame = cache.onRing("epoch", listener);
      stop();
      stop();
      await cache.ring("epoch");
      await until(() => twin === 1);
      assert.equal(stopped, 1, "added twice, stopped once");
      stopSame();
      await cache.ring("epoch");
      await until(() => twin === 2);
      assert.equal(stopped, 1);
    });

    it("can add a listener again after the last one stopped", async () => {
      let heard = 0;
      cache.onRing("epoch", () => undefined)();
      cache.onRing("epoch", () => (heard += 1));
      await second.ring("epoch");
      await until(() => heard === 1);
    });

    it("gives a lock to one of many, and to the next once it is released", async () => {
      const taken = await Promise.all(
        Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? cache : second).lock("a", LONG_MS)),
      );
      const [held, ...others] = taken.filter((lock) => lock !== undefined);
      assert.ok(held !== undefined);
      assert.equal(others.length, 0);
      assert.notEqual(await second.lock("b", LONG_MS), undefined, "another name is another lock");
      await held.release();
      assert.notEqual(await second.lock("a", LONG_MS), undefined);
    });

    it("takes a lock away when its time is over, and then releases nobody else's", async () => {
      const first = await cache.lock("a", 200);
      await tested.passTime(200);
      const next = await second.lock("a", LONG_MS);
      assert.ok(first !== undefined && next !== undefined);
      await first.release();
      assert.equal(await cache.lock("a", LONG_MS), undefined);
      await next.release();
      await next.release();
      assert.notEqual(await cache.lock("a", LONG_MS), undefined);
    });

    it("is out of reach once closed, and can be closed twice", async () => {
      await cache.set("a", text("x"), LONG_MS);
      await cache.close();
      await cache.close();
      await assert.rejects(async () => cache.get("a"), { reason: "UNAVAILABLE" });
      await assert.rejects(async () => cache.set("a", text("x"), LONG_MS), { reason: "UNAVAILABLE" });
      await assert.rejects(async () => cache.setIfAbsent("a", text("x"), LONG_MS), { reason: "UNAVAILABLE" });
      await assert.rejects(async () => cache.increment("b", LONG_MS), { reason: "UNAVAILABLE" });
      const [absent, count] = [
        { key: "c", ttlMs: LONG_MS },
        { key: "d", ttlMs: LONG_MS },
      ];
      await assert.rejects(async () => cache.setAndCount(absent, count), { reason: "UNAVAILABLE" });
      await assert.rejects(async () => cache.ring("epoch"), { reason: "UNAVAILABLE" });
      await assert.rejects(async () => cache.lock("c", LONG_MS), { reason: "UNAVAILABLE" });
    });
  });
}
