import assert from "node:assert/strict";
import fc from "fast-check";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import { FollowerRig, relayAt, serverAt, short } from "./follower.test-support.js";
import { FIRST, type TestServer, keys, logOver, recordThrough, until } from "../kit.test-support.js";

/** One life of a program: where it follows, and at which write of its store it dies. */
interface Life {
  readonly at: "server" | "relay";
  readonly write: number;
  readonly when: "before" | "after";
}

/** A store that dies at its n-th write, before or after it took effect, and answers nothing from then on. */
class MortalStore {
  isDead = false;
  #writes = 0;

  constructor(
    readonly held: Map<string, Uint8Array>,
    readonly death: Pick<Life, "write" | "when"> | undefined,
  ) {}

  read(key: string): Uint8Array | undefined {
    if (this.isDead) throw new Error("the process is dead");
    return this.held.get(key);
  }

  write(key: string, content: Uint8Array): void {
    if (this.isDead) throw new Error("the process is dead");
    this.#writes += 1;
    this.isDead = this.#writes === this.death?.write;
    if (!this.isDead || this.death?.when === "after") this.held.set(key, content);
    if (this.isDead) throw new Error("the process dies");
  }
}

describe("a follower that dies and is started again", () => {
  let rig: FollowerRig;
  before(readyCrypto);
  beforeEach(() => {
    rig = new FollowerRig();
  });
  afterEach(() => rig.close());

  async function live(lives: readonly Life[]): Promise<void> {
    const server = await rig.serve();
    const relay = await rig.relay({ log: logOver(systemClock, { isRelay: true }) });
    const dead = { url: "http://127.0.0.1:1", hotkey: keys("server").hotkey };
    const held = new Map<string, Uint8Array>();
    const deliveries: string[] = [];
    const work: string[] = [];
    let expected = new Set<string>();

    /** Runs until the death, or until every event so far has been worked on. */
    async function run(at: Life["at"], store: MortalStore): Promise<void> {
      const follower = rig.follow(at === "server" ? [serverAt(server)] : [dead, relayAt(relay)], {
        tokens: {
          load: async () => store.read("position"),
          save: async (position) => store.write("position", position),
        },
        // As miner and validator do: what is saved is not done again.
        onEvent: async (event) => {
          const key = short(event);
          if (!store.isDead) deliveries.push(key);
          if (store.read(key) !== undefined) return;
          try {
            store.write(key, new Uint8Array());
          } finally {
            if (store.held.has(key)) work.push(key);
          }
        },
      });
      await until(() => store.isDead || [...expected].every((key) => work.includes(key)));
      await follower.stop();
    }

    for (const { log } of [server, relay]) await recordThrough(log, FIRST, FIRST);
    // Whoever has never been at the server begins there with the previous epoch, so the first life is spent there.
    const rounds: readonly (Life | undefined)[] = [undefined, ...lives, undefined];
    for (const [index, life] of rounds.entries()) {
      const newest = index + 1;
      for (const { log } of [server, relay]) await recordThrough(log, FIRST + newest, FIRST + newest);
      expected = new Set([...expected, "+0", `+${newest}`, `-${newest - 1}`]);
      await run(life?.at ?? "server", new MortalStore(held, life));
    }
    assert.deepEqual(work.toSorted(), [...expected].toSorted(), "every event is worked on once");
    // Only what was under way at a death may come again.
    assert.ok(deliveries.length - expected.size <= lives.length, `${lives.length} deaths: ${deliveries.join(" ")}`);
  }

  it("loses nothing and does nothing twice, at whichever writes it dies", async () => {
    const life = fc.record({
      at: fc.constantFrom("server" as const, "relay" as const),
      write: fc.integer({ min: 1, max: 8 }),
      when: fc.constantFrom("before" as const, "after" as const),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 5 }), async (lives) => {
        await live(lives);
        await rig.close();
      }),
      { numRuns: 25, endOnFailure: true },
    );
  }).timeout(60_000);
});

describe("a follower between a server and a relay that come and go", () => {
  let rig: FollowerRig;
  before(readyCrypto);
  beforeEach(() => {
    rig = new FollowerRig();
  });
  afterEach(() => rig.close());

  /** Lets server and relay be up or down in turn, with a new epoch each time. */
  async function comeAndGo(turns: readonly (readonly [serverUp: boolean, relayUp: boolean])[]): Promise<void> {
    const logs = { server: logOver(systemClock), relay: logOver(systemClock, { isRelay: true }) };
    for (const log of Object.values(logs)) await recordThrough(log, FIRST, FIRST);
    let server: TestServer | undefined = await rig.serve({ log: logs.server });
    let relay: TestServer | undefined = await rig.relay({ log: logs.relay });
    const ports = { server: server.port, relay: relay.port };
    const follower = rig.follow([serverAt(server), relayAt(relay)]);
    await until(() => follower.told.length === 1);
    for (const [index, [serverUp, relayUp]] of [...turns, [true, false] as const].entries()) {
      if (!serverUp && server !== undefined) {
        await rig.stop(server);
        server = undefined;
      }
      if (!relayUp && relay !== undefined) {
        await rig.stop(relay);
        relay = undefined;
      }
      if (serverUp) server ??= await rig.serve({ log: logs.server, port: ports.server });
      if (relayUp) relay ??= await rig.relay({ log: logs.relay, port: ports.relay });
      // While it is wherever it is, perhaps on its way.
      for (const log of Object.values(logs)) await recordThrough(log, FIRST + index + 1, FIRST + index + 1);
      if (serverUp || relayUp) await until(() => follower.told.includes(`+${index + 1}`));
    }
    const last = turns.length + 1;
    const expected = Array.from({ length: last }, (_, index) => [`+${index}`, `-${index}`]).flat();
    await until(() => follower.told.length >= expected.length + 1);
    assert.deepEqual(follower.told.toSorted(), [...expected, `+${last}`].toSorted());
  }

  it("is told everything, and nothing twice", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 2, maxLength: 8 }),
        async (turns) => {
          await comeAndGo(turns);
          await rig.close();
        },
      ),
      { numRuns: 15, endOnFailure: true },
    );
  }).timeout(60_000);
});
