/**
 * Several real servers on one Redis and one object store: whatever is killed or flushed, all of them serve the same
 * epochs, byte for byte, and whoever follows them sees every event once.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { ensureBucket, s3Objects } from "../../adapters/objects/s3/s3-objects.js";
import { type S3Settings, formatS3Url } from "../../adapters/objects/s3/s3-url.js";
import type { ProgramSpec } from "../../cli/demo/network.js";
import { serverSpec } from "../../cli/demo/network.js";
import { freePorts, startProgram } from "../../cli/demo/processes.js";
import { keyOf } from "../../cli/demo/setup.js";
import { epochIdOf, epochStartMs } from "../../core/epoch-time.js";
import { epochKey } from "../../core/object-keys.js";
import { encodeRecord } from "../../core/signed-record.js";
import { type Clients, createClients } from "../../rpc/client/client.js";
import { type CarelessS3, startCarelessS3 } from "../parts/careless-s3.js";
import { freePort } from "../parts/programs.js";
import { type StartedRadosgw, radosgwMissing, startRadosgw } from "../parts/radosgw.js";
import { type StartedRedis, redisMissing, startRedis } from "../parts/redis.js";
import { Hopper } from "./hopper.test-support.js";
import { Testbed, missingBuild } from "./testbed.js";

const missing = missingBuild() ?? redisMissing() ?? radosgwMissing();
const EPOCH_LENGTH_SECONDS = 6;
const idOf = (number: number): string => epochIdOf(epochStartMs(number, EPOCH_LENGTH_SECONDS));

(missing === undefined ? describe : describe.skip)(
  `replicas${missing === undefined ? "" : ` (${missing})`}`,
  function () {
    this.timeout(120_000);
    let redisPort: number;
    let redis: StartedRedis;
    let gateway: StartedRadosgw;
    let careless: CarelessS3;
    let testbed: Testbed;
    const opened: Clients[] = [];

    async function beginRedis(): Promise<void> {
      const started = await startRedis(redisPort);
      assert.ok(!("missing" in started));
      redis = started;
    }

    before(async () => {
      redisPort = await freePort();
      await beginRedis();
      const started = await startRadosgw();
      assert.ok(!("missing" in started));
      gateway = started;
      careless = await startCarelessS3(await bucket("careless"));
      testbed = await Testbed.create({
        epochLengthSeconds: EPOCH_LENGTH_SECONDS,
        startUpMs: 1_000,
      });
    });
    after(async () => {
      for (const clients of opened) clients.close();
      await testbed?.[Symbol.asyncDispose]();
      await careless?.stop();
      await gateway?.stop();
      await redis?.stop();
    });

    async function bucket(name: string): Promise<S3Settings> {
      const settings = { ...gateway.settings, bucket: name };
      await ensureBucket(settings);
      return settings;
    }

    async function serverSpecs(names: readonly string[], objects: string, cache: string): Promise<ProgramSpec[]> {
      const ports = await freePorts(names.length);
      return names.map((name, index) => {
        const own = { ...testbed.plan, objects, cache, ports: { ...testbed.plan.ports, server: ports[index] ?? 0 } };
        return { ...serverSpec(own), name };
      });
    }

    /** Calls a server as a validator. */
    function clientsOf({ settings }: ProgramSpec): Clients {
      const clients = createClients(
        { url: settings["ZIPNET_PUBLIC_URL"] ?? "", hotkey: testbed.plan.ownerHotkey },
        { signer: keyOf(testbed.keys, "validator-1"), network: "local", netuid: 1, clock: systemClock },
      );
      opened.push(clients);
      return clients;
    }

    /** The first epoch that any of some servers records, or the one with a number. */
    async function recorded(names: readonly string[], number?: number): Promise<number> {
      const event = await testbed.until(
        `epoch ${number ?? "whatever"} of ${names.join()}`,
        ({ program, event, facts }) =>
          event === "epoch_recorded" && names.includes(program) && (number ?? facts.number) === facts.number,
        30_000,
      );
      return Number(event.facts.number);
    }

    /** Every server answers these epochs and their snapshots alike, and as they are stored. */
    async function assertSame(servers: readonly Clients[], numbers: readonly number[], store: S3Settings) {
      const objects = s3Objects(store, systemClock);
      for (const epochId of numbers.map(idOf)) {
        const stored = await objects.get(epochKey(epochId));
        const snapshots = new Set<string>();
        for (const { epochs, judging } of servers) {
          const { record } = await epochs.getEpoch({ epochId });
          assert.deepEqual(encodeRecord(record ?? assert.fail()), stored);
          const snapshot = (await judging.getSnapshot({ epochId })).record ?? assert.fail();
          snapshots.add(Buffer.from(encodeRecord(snapshot)).toString("hex"));
        }
        assert.equal(snapshots.size, 1);
      }
    }

    function assertNoDifference(names: readonly string[]): void {
      const differences = testbed.events.filter(
        ({ program, event }) => names.includes(program) && event.endsWith("_differs"),
      );
      assert.deepEqual(differences, []);
    }

    it("serve the same epochs, and every event once, while Redis and one of them are killed", async () => {
      const names = ["server-1", "server-2", "server-3"];
      const specs = await serverSpecs(names, gateway.url, redis.url);
      await Promise.all(specs.map((spec) => testbed.network.start(spec)));
      const servers = specs.map(clientsOf);
      const hopper = new Hopper(servers, testbed.plan.ownerHotkey, EPOCH_LENGTH_SECONDS);
      try {
        const first = await recorded(names);
        const operator = new Redis(redis.url);
        await operator.flushall();
        operator.disconnect();
        await hopper.hasSeen(1, 15_000);

        await redis.kill();
        await recorded(names, first + 1);
        await beginRedis();
        await hopper.hasSeen(3, 20_000);

        await testbed.network.killHard("server-2");
        await recorded(names, first + 2);
        await testbed.network.restart("server-2");
        await hopper.hasSeen(7, 30_000);

        const [second, third, fourth] = [first + 1, first + 2, first + 3];
        const expected = [`+${first}`, `+${second}`, `-${first}`, `+${third}`, `-${second}`, `+${fourth}`, `-${third}`];
        assert.deepEqual(hopper.seen.slice(0, 7), expected);
        await assertSame(servers, [first, second, third], gateway.settings);
        const lists = await Promise.all(servers.map(({ epochs }) => epochs.listEpochs({ pageToken: idOf(fourth) })));
        for (const { epochs } of lists) assert.equal(epochs.length, 3);
        assertNoDifference(names);
        for (const guard of guardsOf(testbed, names)) assert.equal(guard, "conditional_puts");
      } finally {
        await hopper.stop();
        for (const name of names) await testbed.network.killHard(name);
      }
    });

    it("write under locks in Redis where the store overwrites", async () => {
      const names = ["locked-1", "locked-2"];
      const specs = await serverSpecs(names, careless.url, `${redis.url}/1`);
      await Promise.all(specs.map((spec) => testbed.network.start(spec)));
      const servers = specs.map(clientsOf);
      const hopper = new Hopper(servers, testbed.plan.ownerHotkey, EPOCH_LENGTH_SECONDS);
      try {
        const first = await recorded(names);
        await hopper.hasSeen(3, 20_000);
        assert.deepEqual(hopper.seen.slice(0, 3), [`+${first}`, `+${first + 1}`, `-${first}`]);
        await assertSame(servers, [first], careless.settings);
        assertNoDifference(names);
        assert.deepEqual(guardsOf(testbed, names), ["redis_lock", "redis_lock"]);
      } finally {
        await hopper.stop();
        for (const name of names) await testbed.network.killHard(name);
      }
    });

    it("does not start a second server where nothing keeps the two apart", async () => {
      const alone = await startCarelessS3(await bucket("alone"));
      try {
        const [first, second] = await serverSpecs(["alone-1", "alone-2"], formatS3Url(alone.settings), "memory");
        assert.ok(first !== undefined && second !== undefined);
        await testbed.network.start(first);
        const logs = join(testbed.plan.dir, "second");
        const refused = await startProgram(second, logs, () => {});
        assert.match(await refused.ended, /exit code 1/);
        const said = await readFile(join(logs, "alone-2.log"), "utf8");
        assert.match(said, /has this object store to itself since .*Give both the same Redis/);
        await testbed.network.killHard("alone-1");
      } finally {
        await alone.stop();
      }
    });
  },
);

/** The guards that servers say are in force, one per start in the order of the first. */
function guardsOf(testbed: Testbed, names: readonly string[]): unknown[] {
  return names.map(
    (name) => testbed.events.find(({ program, event }) => program === name && event === "puts_guarded")?.facts["guard"],
  );
}
