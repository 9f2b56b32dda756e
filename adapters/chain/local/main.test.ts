import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Block, Metagraph } from "../../../core/ports.js";
import { systemClock } from "../../clock/system-clock.js";
import { readyCrypto, signerFromUri } from "../../wallet/wallet.js";
import { metagraphWhen, take } from "../watch.test-support.js";
import { type LocalChain, localChain } from "./client.js";
import { main } from "./main.js";
import { freshFolder } from "./local-chain.test-support.js";

const never = new AbortController().signal;
const TAO = 1_000_000_000n;

/** Runs main() in a process of its own; aborts it on SIGTERM. */
const PROGRAM = `
  import(process.argv[1]).then(({ main }) => {
    const controller = new AbortController();
    process.once("SIGTERM", () => controller.abort());
    return main(JSON.parse(process.argv[2]), controller.signal);
  }).catch((error) => { console.error(error.message); process.exitCode = 1; });
`;

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
}

function spawnChain(settings: Record<string, string>): ChildProcess {
  const mainUrl = new URL("./main.ts", import.meta.url).href;
  const args = ["--import", "tsx", "-e", PROGRAM, mainUrl, JSON.stringify(settings)];
  return spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
}

async function startChain(settings: Record<string, string>): Promise<Running> {
  const child = spawnChain(settings);
  const complaints: string[] = [];
  child.stderr?.on("data", (chunk: Buffer) => complaints.push(chunk.toString()));
  assert.ok(child.stdout !== null);
  for await (const line of createInterface(child.stdout)) {
    const { event, url } = JSON.parse(line) as { event?: string; url?: string };
    if (event === "listening" && url !== undefined) {
      child.stdout.resume();
      return { child, url };
    }
  }
  throw new Error(`the chain ended before it listened: ${complaints.join("")}`);
}

async function end({ child }: Running, how: "SIGKILL" | "SIGTERM"): Promise<number | null> {
  const exited = once(child, "exit");
  child.kill(how);
  return ((await exited) as [number | null])[0];
}

/** What must be the same before and after a restart. */
function kept({ neurons }: Metagraph) {
  return neurons.map(
    ({ uid, hotkey, coldkey, stakeRao, validatorPermit, registeredBlock, lastUpdateBlock, weights }) => {
      return { uid, hotkey, coldkey, stakeRao, validatorPermit, registeredBlock, lastUpdateBlock, weights };
    },
  );
}

async function fill(chain: LocalChain): Promise<Metagraph> {
  const [alice, bob] = [signerFromUri("//Alice"), signerFromUri("//Bob")];
  await chain.register(alice.hotkey, bob.hotkey, never);
  await chain.register(bob.hotkey, bob.hotkey, never);
  await chain.setStake(alice.hotkey, 5_000n * TAO, never);
  await chain.setWeights(alice, [{ uid: 1, weightU16: 3 }, { uid: 0, weightU16: 1 }], 0n, never); // prettier-ignore
  // From the next run of the consensus on there is an incentive to lose.
  return metagraphWhen(chain, ({ neurons }) => (neurons[1]?.incentiveU16 ?? 0) > 0);
}

describe("the chain as a process", () => {
  let folder: Awaited<ReturnType<typeof freshFolder>>;
  let settings: Record<string, string>;
  before(readyCrypto);
  beforeEach(async () => {
    folder = await freshFolder();
    settings = {
      ZIPNET_DATA_DIR: join(folder.path, "chain"),
      ZIPNET_LISTEN_PORT: "0",
      ZIPNET_BLOCK_TIME_MS: "20",
      ZIPNET_TEMPO: "5",
    };
  });
  afterEach(() => folder.remove());

  it("keeps blocks, registrations, stakes, weights and incentive over SIGKILL, and continues the numbers", async () => {
    const first = await startChain(settings);
    const chain = localChain({ url: first.url, clock: systemClock });
    const before = await fill(chain);
    const blocks: (Block | undefined)[] = [];
    while (blocks.length <= before.block.number) blocks.push(await chain.block(blocks.length, never));
    await end(first, "SIGKILL");
    chain.close();

    const killedMs = systemClock.now();
    const second = await startChain(settings);
    const again = localChain({ url: second.url, clock: systemClock });
    const after = await again.metagraph(never);
    assert.ok(after.block.number >= before.block.number);
    assert.deepEqual(kept(after), kept(before));
    assert.deepEqual(
      after.neurons.map(({ incentiveU16 }) => incentiveU16),
      before.neurons.map(({ incentiveU16 }) => incentiveU16),
    );
    for (const [number, block] of blocks.entries()) assert.deepEqual(await again.block(number, never), block);

    const later = await take(again.watchFinalized(never), 6);
    const newest = later.at(-1);
    assert.ok(newest !== undefined && newest.timeMs > killedMs);
    let child = newest;
    for (let number = newest.number - 1; number >= before.block.number; number -= 1) {
      const parent = await again.block(number, never);
      assert.ok(parent !== undefined && parent.hash === child.parentHash && parent.timeMs < child.timeMs);
      child = parent;
    }
    again.close();
    assert.equal(await end(second, "SIGTERM"), 0);
  });

  it("loses nothing that it has acknowledged when it is killed at any moment", async () => {
    const hotkeys = Array.from({ length: 12 }, (_, index) => signerFromUri(`//Miner${index}`).hotkey);
    let acknowledged = 0;
    for (let round = 0; round < 3; round += 1) {
      const running = await startChain(settings);
      const chain = localChain({ url: running.url, clock: systemClock });
      for (const hotkey of hotkeys.slice(acknowledged, acknowledged + 4)) {
        assert.equal(await chain.register(hotkey, hotkey, never), acknowledged);
        acknowledged += 1;
      }
      await end(running, "SIGKILL");
      chain.close();
    }
    const lines = (await readFile(join(folder.path, "chain", "journal.jsonl"), "utf8")).split("\n");
    const registered = lines.filter((line) => line.includes('"kind":"register"'));
    assert.equal(registered.length, 12);
  });

  it("refuses a folder that another process holds, and takes it over from a dead one", async () => {
    const holder = await startChain(settings);
    const intruder = startChain(settings);
    await assert.rejects(intruder, new RegExp(`in use by process ${holder.child.pid}`));
    await end(holder, "SIGKILL");
    const heir = await startChain(settings);
    assert.equal(await end(heir, "SIGTERM"), 0);
  });

  it("names all mistakes of its settings at once", async () => {
    const bad = { ZIPNET_TEMPO: "0", ZIPNET_LISTEN_PORT: "x", ZIPNET_BLOCK_TIME_MS: "-1" };
    await assert.rejects(main(bad, never), /ZIPNET_LISTEN_PORT[^]*ZIPNET_BLOCK_TIME_MS[^]*ZIPNET_TEMPO/);
  });

  it("does not listen beyond the machine unless it is told so", async () => {
    const open = { ...settings, ZIPNET_LISTEN_HOST: "0.0.0.0" };
    await assert.rejects(main(open, never), /ZIPNET_LISTEN_HOST .* is "0.0.0.0", but must be 127.0.0.1/);
  });

  it("gives its folder back when it cannot listen", async () => {
    const holder = await startChain(settings);
    const port = new URL(holder.url).port;
    const other = { ...settings, ZIPNET_DATA_DIR: join(folder.path, "other"), ZIPNET_LISTEN_PORT: port };
    await assert.rejects(main(other, never), /EADDRINUSE/);
    await end(holder, "SIGTERM");
    const second = await startChain({ ...other, ZIPNET_LISTEN_PORT: "0" });
    assert.equal(await end(second, "SIGTERM"), 0);
  });
});
