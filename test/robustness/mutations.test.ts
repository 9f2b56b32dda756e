/**
 * Replicas that break a promise on purpose, each with followers of its own, side by side with a sound one.
 */
import assert from "node:assert/strict";
import { redisMissing } from "../parts/redis.js";
import { Arena } from "./arena.js";
import { MUTATIONS, type MutationName } from "./mutations.js";
import { Run } from "./run.js";
import type { Fault } from "./schedule.js";
import { storyOf } from "./story.js";
import type { Violation } from "./violations.js";

const NAMES = Object.keys(MUTATIONS) as MutationName[];
const SOUND = "sound";
const FOLLOWERS = 4;
/** Events that sound followers get after the faults: the others' mutations strike among them. */
const EVENTS = 8;

/** Enough for every follower to come back with a token, to the same process and to a new one. */
const FAULTS: readonly Fault[] = [
  { kind: "cut", replica: 0, atMs: 800, forMs: 200, percent: 100, salt: 1 },
  { kind: "kill", replica: 0, atMs: 2_000, forMs: 50 },
];

const missing = redisMissing();

(missing === undefined ? describe : describe.skip)(
  `mutations${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  function () {
    this.timeout(120_000);
    const found = new Map<string, Violation[]>();
    const stories = new Map<string, string>();

    before(async () => {
      const sound = { name: SOUND, replicas: 1, followers: FOLLOWERS };
      const broken = NAMES.map((name) => ({ name, replicas: 1, followers: FOLLOWERS, mutation: name }));
      await using arena = await Arena.open([sound, ...broken]);
      const run = new Run(arena);
      await run.begin();
      const soundGroups = arena.groups.filter(({ name }) => name === SOUND);
      const results = [await run.faults(0, FAULTS, arena.groups)];
      for (const group of soundGroups) await run.events(EVENTS, group);
      results.push(await run.end(soundGroups));
      const logs = arena.followers.map(({ log }) => log);
      for (const violation of results.flatMap(({ violations }) => violations)) {
        const group = violation.follower.replace(/-\d+$/, "");
        found.set(group, [...(found.get(group) ?? []), violation]);
        stories.set(group, stories.get(group) ?? storyOf(violation, logs, run.striker.timeline));
      }
    });

    it("a sound replica breaks no promise under the same faults", () => {
      assert.equal(stories.get(SOUND), undefined);
    });

    for (const name of NAMES) {
      const { breaks, what } = MUTATIONS[name];
      it(`${name}, where ${what}, is found not to be ${breaks}`, () => {
        const promises = new Set(found.get(name)?.map(({ promise }) => promise));
        assert.ok(promises.has(breaks), `found: ${[...promises].join(", ") || "nothing"}`);
      });
    }
  },
);
