/**
 * Watching a demo until its last epoch is settled.
 */
import { systemClock } from "../../adapters/clock/system-clock.js";
import { epochIdOf } from "../../core/epoch-time.js";
import type { Neuron } from "../../core/ports.js";
import { openDemoChain } from "./demo-chain.js";
import { liveLines, newsLines } from "./live.js";
import { MINERS, type NetworkPlan, VALIDATORS } from "./network.js";
import type { ProgramEvent } from "./processes.js";
import type { Screen } from "./screen.js";
import { type DemoState, afterEvent, initialState, weightsInForceFrom } from "./state.js";

const DRAW_EVERY_MS = 250;
/** After the last close its epoch is judged for as long as an epoch lasts; then weights and consensus get this long. */
const WIND_UP_MS = 45_000;

/** The epochs that a demo is about. */
export interface Schedule {
  /** Starts, one after the other. */
  readonly startsMs: readonly number[];
  readonly lengthMs: number;
}

/** Ids of the epochs. */
export function epochIdsOf({ startsMs }: Schedule): string[] {
  return startsMs.map(epochIdOf);
}

/** Takes in the programs' events and shows them. */
export class DemoWatch {
  #state: DemoState;
  readonly #schedule: Schedule;
  readonly #screen: Screen;

  constructor(schedule: Schedule, screen: Screen) {
    this.#schedule = schedule;
    this.#screen = screen;
    this.#state = initialState(epochIdsOf(schedule));
  }

  /** Takes in an event. */
  note(event: ProgramEvent): void {
    const before = this.#state;
    const who = { miners: MINERS.map(({ name }) => name), validators: VALIDATORS };
    const startMsOf = (epochId: string): number =>
      this.#schedule.startsMs.find((startMs) => epochIdOf(startMs) === epochId) ?? Number.NaN;
    this.#state = afterEvent(before, event, who, startMsOf);
    // Where the view is drawn over, it says the same.
    const news = this.#screen.drawable ? [] : newsLines(before, this.#state);
    if (news.length > 0) this.#screen.print(news);
  }

  /**
   * Resolves once the chain's consensus has seen every epoch's weights, with the neurons after it, by epoch. Rejects
   * when that does not happen in time.
   */
  async untilSettled(
    plan: Pick<NetworkPlan, "chain" | "ports">,
    signal: AbortSignal,
  ): Promise<readonly (readonly Neuron[])[]> {
    const { startsMs, lengthMs } = this.#schedule;
    const deadlineMs = (startsMs.at(-1) ?? 0) + 2 * lengthMs + WIND_UP_MS;
    const chain = await openDemoChain(plan, signal);
    const settled: (readonly Neuron[])[] = [];
    const consensusBlocks: number[] = [];
    try {
      while (settled.length < startsMs.length) {
        const nowMs = systemClock.now();
        if (nowMs > deadlineMs) throw new Error(this.#unsettledProblem(settled.length));
        this.#screen.draw(liveLines(this.#state, startsMs, lengthMs, nowMs));
        const epoch = this.#state.epochs[settled.length];
        const inForceFrom = epoch === undefined ? undefined : weightsInForceFrom(epoch, VALIDATORS);
        if (inForceFrom !== undefined) {
          const metagraph = await chain.metagraph(signal);
          const consensusBlock = (consensusBlocks[settled.length] ??= metagraph.nextEpochBlock);
          if (metagraph.block.number >= Math.max(consensusBlock, inForceFrom)) settled.push(metagraph.neurons);
        }
        await systemClock.sleepUntil(nowMs + DRAW_EVERY_MS, signal);
      }
      return settled;
    } finally {
      chain.close();
    }
  }

  #unsettledProblem(index: number): string {
    const epoch = this.#state.epochs[index];
    const waiting = VALIDATORS.filter((name) => epoch?.validators[name]?.weightsBlock === undefined);
    const reason = waiting.length > 0 ? `${waiting.join(" and ")} set no weights` : "the chain's consensus did not run";
    return `the epoch ${epoch?.id} was not settled in time: ${reason}`;
  }
}
