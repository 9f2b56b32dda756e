/**
 * A small network of real programs for end-to-end tests: chain, site, server, and whoever else a test starts.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import type { NetworkPlan } from "../../cli/demo/network.js";
import type { ProgramEvent } from "../../cli/demo/processes.js";
import { RunningNetwork, startGround } from "../../cli/demo/running-network.js";
import { demoKeys, keyOf, layGround } from "../../cli/demo/setup.js";
import { epochIdOf, epochNumberAt, epochStartMs } from "../../core/epoch-time.js";
import type { Signer } from "../../core/ports.js";
import { type Clients, createClients } from "../../rpc/client/client.js";

const BUILT = new URL("../../dist/cli/zipnet.js", import.meta.url);
const BROWSERS = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"];

/** Why no program can be started here, for the name of the skipped test; undefined when they can. */
export function missingBuild(): string | undefined {
  return existsSync(BUILT) ? undefined : "skipped: the programs are not built (npm run build)";
}

/** Why not all programs can be started here; undefined when they can. */
export function missingPart(): string | undefined {
  const build = missingBuild();
  if (build !== undefined) return build;
  if (process.env.ZIPNET_CHROMIUM === undefined && !BROWSERS.some((path) => existsSync(path))) {
    return "skipped: no Chromium is installed";
  }
  return undefined;
}

/** Time that an epoch must still last for a test that wants it open all the time. */
const OPEN_FOR_S = 1_800;

/**
 * Length of an epoch that is open now and for at least half an hour, whatever the time: epochs of any one length end
 * at fixed moments, and a test must not fail because it runs at one.
 */
export function openEpochLengthSeconds(nowMs: number): number {
  const nowS = Math.floor(nowMs / 1000);
  const length = [86_400, 80_000, 70_000].find((candidate) => candidate - (nowS % candidate) >= OPEN_FOR_S);
  return length ?? 60_000;
}

/** What a test may choose. */
export interface TestbedOptions {
  readonly epochLengthSeconds: number;
  /** Time between now and the first epoch at least. Default 12 seconds. */
  readonly startUpMs?: number;
  /** Default 400. */
  readonly targetListings?: number;
}

const START_UP_MS = 12_000;
const TARGET_LISTINGS = 400;
const SPOT_CHECK_LISTINGS = 8;
/** For what takes an epoch and some more. */
const EVENT_TIMEOUT_MS = 120_000;

/** A network with its events. */
export class Testbed implements AsyncDisposable {
  readonly #waiting = new Set<() => void>();
  readonly events: ProgramEvent[] = [];

  private constructor(
    readonly plan: NetworkPlan,
    readonly keys: ReadonlyMap<string, Signer>,
    readonly network: RunningNetwork,
  ) {}

  /** Lays the ground: chain and site run, everybody is registered. */
  static async create(options: TestbedOptions): Promise<Testbed> {
    const { epochLengthSeconds, startUpMs = START_UP_MS, targetListings = TARGET_LISTINGS } = options;
    await readyCrypto();
    const dir = await mkdtemp(join(tmpdir(), "zipnet-e2e-"));
    const keys = demoKeys();
    const ground = { ...(await layGround(dir)), homes: undefined, ownerHotkey: keyOf(keys, "owner").hotkey };
    let note: (event: ProgramEvent) => void = () => {};
    let lost = (_how: string): void => {};
    const network = new RunningNetwork(
      dir,
      (event) => note(event),
      (how) => lost(how),
    );
    const firstEpoch = epochNumberAt(systemClock.now() + startUpMs, epochLengthSeconds) + 1;
    const plan: NetworkPlan = {
      ...ground,
      epochLengthSeconds,
      firstEpochId: epochIdOf(epochStartMs(firstEpoch, epochLengthSeconds)),
      targetListings,
      spotCheckListings: SPOT_CHECK_LISTINGS,
      cache: "memory",
      objects: `folder:${join(dir, "objects")}`,
    };
    const testbed = new Testbed(plan, keys, network);
    note = (event) => testbed.#note(event);
    lost = (how) => testbed.#note({ program: "testbed", event: "lost", facts: { how } });
    try {
      await startGround(network, ground, keys, new AbortController().signal);
    } catch (error) {
      await testbed[Symbol.asyncDispose]();
      throw error;
    }
    return testbed;
  }

  /** Id of an epoch, counted from the first, 0. */
  epochId(index: number): string {
    const first = epochNumberAt(Date.parse(isoOf(this.plan.firstEpochId)), this.plan.epochLengthSeconds);
    return epochIdOf(epochStartMs(first + index, this.plan.epochLengthSeconds));
  }

  /** Resolves with the first event, past or future, that fits. Rejects when a program ends that nobody ended. */
  async until(what: string, fits: (event: ProgramEvent) => boolean, timeoutMs: number): Promise<ProgramEvent> {
    const deadline = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const lost = this.events.find(({ event }) => event === "lost");
      if (lost !== undefined) throw new Error(String(lost.facts.how));
      const found = this.events.find(fits);
      if (found !== undefined) return found;
      await new Promise<void>((resolve, reject) => {
        const giveUp = (): void => reject(new Error(`${what} did not happen within ${timeoutMs} ms`));
        deadline.addEventListener("abort", giveUp, { once: true });
        this.#waiting.add(() => {
          deadline.removeEventListener("abort", giveUp);
          resolve();
        });
      });
    }
  }

  /** Resolves with the first event of a program, past or future, that has these facts. Rejects after two minutes. */
  happens(program: string, event: string, facts: Readonly<Record<string, unknown>> = {}): Promise<ProgramEvent> {
    const wanted = Object.entries(facts);
    return this.until(
      `${event} of ${program} with ${JSON.stringify(facts)}`,
      (seen) =>
        seen.program === program && seen.event === event && wanted.every(([name, value]) => seen.facts[name] === value),
      EVENT_TIMEOUT_MS,
    );
  }

  /** Calls the server as a participant. */
  clientsOf(name: string): Clients {
    return createClients(
      { url: this.serverUrl, hotkey: this.plan.ownerHotkey },
      { signer: keyOf(this.keys, name), network: "local", netuid: 1, clock: systemClock },
    );
  }

  get serverUrl(): string {
    return `http://127.0.0.1:${this.plan.ports.server}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.network[Symbol.asyncDispose]();
    await rm(this.plan.dir, { recursive: true });
  }

  #note(event: ProgramEvent): void {
    this.events.push(event);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

function isoOf(epochId: string): string {
  return epochId.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/, "$1-$2-$3T$4:$5:$6Z");
}
