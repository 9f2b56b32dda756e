/**
 * The demo: a whole network on loopback, three epochs, and a verdict on whether all of it went as it should.
 */
import { resolve } from "node:path";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import { epochIdOf, epochNumberAt, epochStartMs } from "../../core/epoch-time.js";
import type { NetworkPlan } from "./network.js";
import { showOutcome } from "./outcome.js";
import { RunningNetwork, startGround, startPrograms } from "./running-network.js";
import { createScreen } from "./screen.js";
import { demoKeys, keyOf, layGround } from "./setup.js";
import { DemoWatch, type Schedule, epochIdsOf } from "./watch.js";

/** What a person may choose. */
export interface DemoOptions {
  /** ws:// address of a chain that has the participants on it, instead of one that the demo brings. */
  readonly chain: string | undefined;
  readonly homes: string | undefined;
  readonly redis: string | undefined;
  readonly s3: string | undefined;
  readonly dir: string | undefined;
}

const EPOCHS = 3;
const EPOCH_LENGTH_SECONDS = 36;
/** Time that the programs get to come up before the first epoch starts. */
const START_UP_MS = 8_000;

/** The first epoch that leaves the programs time to come up, and those after it. */
function scheduleFrom(nowMs: number): Schedule {
  const first = epochNumberAt(nowMs + START_UP_MS, EPOCH_LENGTH_SECONDS) + 1;
  const numbers = Array.from({ length: EPOCHS }, (_, index) => first + index);
  return {
    startsMs: numbers.map((number) => epochStartMs(number, EPOCH_LENGTH_SECONDS)),
    lengthMs: EPOCH_LENGTH_SECONDS * 1000,
  };
}

/**
 * Runs the demo. Resolves with whether everything was as it should be; what was not has been printed.
 * Every program that it started has ended when it resolves or rejects.
 */
export async function runDemo(options: DemoOptions, signal: AbortSignal): Promise<boolean> {
  await readyCrypto();
  const screen = createScreen(process.stdout);
  const now = Math.floor(systemClock.now() / 1000) * 1000;
  const dir = resolve(options.dir ?? `.zipnet/demo-${epochIdOf(now)}`);
  const keys = demoKeys();
  const ground = {
    ...(await layGround(dir)),
    chain: options.chain,
    homes: options.homes === undefined ? undefined : resolve(options.homes),
    ownerHotkey: keyOf(keys, "owner").hotkey,
  };
  const lost = new AbortController();
  const stop = AbortSignal.any([signal, lost.signal]);
  let watch: DemoWatch | undefined;
  await using network = new RunningNetwork(
    dir,
    (event) => watch?.note(event),
    (how) => lost.abort(new Error(`${how}; its log is in ${dir}/logs`)),
  );
  screen.print([`data and logs are in ${dir}`, "starting the chain and the listing site ..."]);
  await startGround(network, ground, keys, stop);

  const schedule = scheduleFrom(systemClock.now());
  watch = new DemoWatch(schedule, screen);
  const plan: NetworkPlan = {
    ...ground,
    epochLengthSeconds: EPOCH_LENGTH_SECONDS,
    firstEpochId: epochIdOf(schedule.startsMs[0] ?? 0),
    targetListings: options.homes === undefined ? 600 : 900,
    spotCheckListings: 20,
    cache: options.redis ?? "memory",
    objects: options.s3 ?? `folder:${dir}/objects`,
  };
  screen.print(["starting the server, two validators and five miners ..."]);
  await startPrograms(network, plan);

  const urlOf = (port: number): string => `http://127.0.0.1:${port}`;
  const neurons = await watch.untilSettled(plan, stop);
  const sources = {
    serverUrl: urlOf(plan.ports.server),
    serverHotkey: plan.ownerHotkey,
    plan,
    siteUrl: urlOf(plan.ports.site),
    keys,
  };
  const problems = await showOutcome(epochIdsOf(schedule), neurons, sources, screen, stop);
  screen.print([`data and logs are in ${dir}`]);
  return problems.length === 0;
}
