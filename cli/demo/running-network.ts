/**
 * A network of programs that runs: started in order, each can be killed and started again, all end together.
 */
import { join } from "node:path";
import type { Signer } from "../../core/ports.js";
import { prepareChain } from "./demo-chain.js";
import {
  MINERS,
  type NetworkPlan,
  type ProgramSpec,
  chainSpec,
  minerSpec,
  serverSpec,
  siteSpec,
  validatorSpec,
} from "./network.js";
import { type ProgramEvent, type RunningProgram, startProgram, stopPrograms } from "./processes.js";
import { writeSiteCatalogue } from "./setup.js";

/** Time that a program gets to end by itself. */
const STOP_GRACE_MS = 5_000;

/** A network of programs. */
export class RunningNetwork implements AsyncDisposable {
  readonly #programs = new Map<string, RunningProgram>();
  readonly #expectedToEnd = new Set<RunningProgram>();
  readonly #onEvent: (event: ProgramEvent) => void;
  readonly #onLost: (how: string) => void;
  readonly #logDir: string;

  /**
   * @param dir the programs' logs go to its folder "logs".
   * @param onEvent called with every event of every program.
   * @param onLost called when a program ends that nobody ended.
   */
  constructor(dir: string, onEvent: (event: ProgramEvent) => void, onLost: (how: string) => void) {
    this.#logDir = join(dir, "logs");
    this.#onEvent = onEvent;
    this.#onLost = onLost;
  }

  /** Starts a program and waits until it is ready. */
  async start(spec: ProgramSpec): Promise<void> {
    const program = await startProgram(spec, this.#logDir, this.#onEvent);
    this.#programs.set(spec.name, program);
    void program.ended.then((how) => {
      if (!this.#expectedToEnd.has(program)) this.#onLost(how);
    });
    await program.ready;
  }

  /** Ends a program at once, without giving it a chance to tidy up, and resolves when it is gone. */
  async killHard(name: string): Promise<void> {
    const program = this.#running(name);
    this.#expectedToEnd.add(program);
    program.kill("SIGKILL");
    await program.ended;
  }

  /** Ends a program as an operator does, and resolves with how it ended: by force where graceMs are not enough. */
  async stop(name: string, graceMs: number): Promise<string> {
    const program = this.#running(name);
    this.#expectedToEnd.add(program);
    await stopPrograms([program], graceMs);
    return await program.ended;
  }

  /** Starts a program that has ended again, with the same settings. */
  async restart(name: string): Promise<void> {
    await this.start(this.#running(name).spec);
  }

  /** Ends everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    const programs = [...this.#programs.values()];
    for (const program of programs) this.#expectedToEnd.add(program);
    await stopPrograms(programs, STOP_GRACE_MS);
  }

  #running(name: string): RunningProgram {
    const program = this.#programs.get(name);
    if (program === undefined) throw new Error(`no program is called ${name}`);
    return program;
  }
}

/** Starts chain and site, sees that everybody is registered, and writes the catalogue: all that the server needs. */
export async function startGround(
  network: RunningNetwork,
  plan: Pick<NetworkPlan, "dir" | "chain" | "ports" | "homes" | "catalogue" | "ownerHotkey">,
  keys: ReadonlyMap<string, Signer>,
  signal: AbortSignal,
): Promise<void> {
  const chain = plan.chain === undefined ? [chainSpec(plan)] : [];
  await Promise.all([...chain, siteSpec(plan)].map((spec) => network.start(spec)));
  await prepareChain(plan, keys, signal);
  await writeSiteCatalogue(`http://127.0.0.1:${plan.ports.site}`, plan.catalogue);
}

/** Starts server, validators and miners. */
export async function startPrograms(network: RunningNetwork, plan: NetworkPlan): Promise<void> {
  await network.start(serverSpec(plan));
  await Promise.all([
    network.start(validatorSpec(plan, "validator-1")),
    network.start(validatorSpec(plan, "validator-2")),
    ...MINERS.map((miner) => network.start(minerSpec(plan, miner))),
  ]);
}
