/**
 * What the demo knows from its programs' events. Pure: a state and an event give the next state.
 */
import type { ProgramEvent } from "./processes.js";

/** A miner's work on an epoch. */
export interface MinerWork {
  readonly done: number;
  readonly total: number;
  readonly listings: number;
  readonly uploaded: number;
  /** Milliseconds after the epoch's start when the receipt was given. */
  readonly receiptAfterMs?: number;
  readonly note?: string;
}

/** A validator's work on an epoch. */
export interface ValidatorWork {
  readonly receipts?: number;
  readonly spotChecked: number;
  readonly judged: boolean;
  readonly published: boolean;
  /** Block that holds the weights that follow from the epoch. */
  readonly weightsBlock?: number;
}

/** An epoch of the demo. */
export interface EpochView {
  readonly id: string;
  readonly miners: Readonly<Record<string, MinerWork>>;
  readonly validators: Readonly<Record<string, ValidatorWork>>;
}

/** Everything that is shown while the demo runs. */
export interface DemoState {
  readonly epochs: readonly EpochView[];
}

/** Nothing has happened yet in these epochs. */
export function initialState(epochIds: readonly string[]): DemoState {
  return { epochs: epochIds.map((id) => ({ id, miners: {}, validators: {} })) };
}

const IDLE_MINER: MinerWork = { done: 0, total: 0, listings: 0, uploaded: 0 };
const IDLE_VALIDATOR: ValidatorWork = { spotChecked: 0, judged: false, published: false };

const numberOf = (value: unknown): number => (typeof value === "number" ? value : 0);

function minerAfter(work: MinerWork, { event, facts }: ProgramEvent, startMs: number): MinerWork {
  switch (event) {
    case "epoch_started":
      return { ...work, total: numberOf(facts.zip_codes) };
    case "zip_code_scraped":
      return {
        ...work,
        done: numberOf(facts.done),
        total: numberOf(facts.total),
        listings: work.listings + numberOf(facts.listings),
      };
    case "zip_code_uploaded":
      return { ...work, uploaded: work.uploaded + 1 };
    case "finalized":
      return { ...work, receiptAfterMs: Date.parse(String(facts.received_time)) - startMs };
    case "blocked":
    case "epoch_failed":
      return { ...work, note: String(facts.reason ?? facts.note ?? event) };
    default:
      return work;
  }
}

function validatorAfter(work: ValidatorWork, { event, facts }: ProgramEvent): ValidatorWork {
  switch (event) {
    case "snapshot":
      return { ...work, receipts: numberOf(facts.receipts) };
    case "spot_check":
      return { ...work, spotChecked: work.spotChecked + 1 };
    case "judged":
      return { ...work, judged: true };
    case "report_published":
      return { ...work, published: true };
    case "weights_set":
      return { ...work, weightsBlock: work.weightsBlock ?? numberOf(facts.block) };
    default:
      return work;
  }
}

/** The state after an event. Events of programs or epochs that are not shown change nothing. */
export function afterEvent(
  state: DemoState,
  event: ProgramEvent,
  who: { readonly miners: readonly string[]; readonly validators: readonly string[] },
  startMsOf: (epochId: string) => number,
): DemoState {
  const index = state.epochs.findIndex((epoch) => epoch.id === event.facts.epoch_id);
  const epoch = state.epochs[index];
  if (epoch === undefined) return state;
  let next = epoch;
  if (who.miners.includes(event.program)) {
    const work = minerAfter(epoch.miners[event.program] ?? IDLE_MINER, event, startMsOf(epoch.id));
    next = { ...epoch, miners: { ...epoch.miners, [event.program]: work } };
  } else if (who.validators.includes(event.program)) {
    const work = validatorAfter(epoch.validators[event.program] ?? IDLE_VALIDATOR, event);
    next = { ...epoch, validators: { ...epoch.validators, [event.program]: work } };
  }
  return { epochs: state.epochs.with(index, next) };
}

/** The block after which the weights of every validator for an epoch are set, or undefined while some are not. */
export function weightsInForceFrom(epoch: EpochView, validators: readonly string[]): number | undefined {
  const blocks = validators.map((name) => epoch.validators[name]?.weightsBlock);
  return blocks.every((block) => block !== undefined) ? Math.max(...blocks) : undefined;
}
