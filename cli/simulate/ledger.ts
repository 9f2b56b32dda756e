/** What comes of a simulated network, counted by strategy. */
import { MinerVerdict } from "../../gen/zipnet/v1/report_pb.js";
import type { YumaResult } from "../../core/yuma.js";
import type { Judgement } from "./judging.js";
import type { Miner } from "./miners.js";
import { subnetNeurons } from "./neurons.js";
import { VALIDATORS, type ValidatorKind } from "./validators.js";

/** What validators held the hotkeys of a strategy for, each judgement of each epoch counted once. */
export interface StrategyFigures {
  readonly strategy: string;
  /** Of one operator, with all its hotkeys: part of the miners' emission, mean over the tempos. */
  readonly earned: number;
  readonly judgements: number;
  readonly spotChecks: number;
  /** Spot checks that called it a liar. */
  readonly caught: number;
  readonly liar: number;
  readonly copy: number;
  readonly verified: number;
  readonly unverified: number;
  /** Mean score of a judgement, in basis points. */
  readonly scoreBps: number;
}

/** What one seed gives. */
export interface SeedFigures {
  readonly seed: string;
  readonly epochs: number;
  readonly strategies: readonly StrategyFigures[];
  /** Mean validator trust over the tempos, by kind of validator. */
  readonly trust: Readonly<Record<ValidatorKind, number>>;
  /** ... if nobody took over what others found. */
  readonly trustAlone: Readonly<Record<ValidatorKind, number>>;
  /** Epochs of honest miners, and those in which at least one validator called it a liar, or a copy. */
  readonly honestEpochs: number;
  readonly accusedEpochs: number;
  /** Checks of invariants that held. */
  readonly invariants: number;
}

type Counts = { -readonly [K in keyof StrategyFigures]: StrategyFigures[K] };

/** Counts as the network goes along. */
export class Ledger {
  private readonly byHotkey: ReadonlyMap<string, Miner>;
  private readonly counts = new Map<string, Counts>();
  private readonly accused = new Set<string>();
  private readonly trust = { honest: 0, lazy: 0, colluding: 0, offline: 0 };
  private readonly trustAlone = { ...this.trust };
  private readonly uidOf: (hotkey: string) => number;
  private readonly operators = new Map<string, number>();
  private tempos = 0;
  private invariants = 0;

  constructor(private readonly miners: readonly Miner[]) {
    this.byHotkey = new Map(miners.map((miner) => [miner.hotkey, miner]));
    this.uidOf = subnetNeurons(VALIDATORS, miners).uidOf;
    for (const { strategy } of miners) {
      this.counts.set(strategy.name, {
        strategy: strategy.name,
        earned: 0,
        judgements: 0,
        spotChecks: 0,
        caught: 0,
        liar: 0,
        copy: 0,
        verified: 0,
        unverified: 0,
        scoreBps: 0,
      });
      const operators = miners.filter((miner) => miner.strategy.name === strategy.name);
      this.operators.set(strategy.name, new Set(operators.map(({ operator }) => operator)).size);
    }
  }

  checked(invariants: number): void {
    this.invariants += invariants;
  }

  judged({ table, evidence }: Judgement): void {
    for (const { hotkey, verdict, scoreBps } of table.scores) {
      const miner = this.byHotkey.get(hotkey);
      const counts = this.counts.get(miner?.strategy.name ?? "");
      if (miner === undefined || counts === undefined) continue;
      const isLiar = verdict === MinerVerdict.LIAR;
      counts.judgements += 1;
      counts.scoreBps += scoreBps;
      counts.liar += Number(isLiar);
      counts.copy += Number(verdict === MinerVerdict.COPY);
      counts.verified += Number(verdict === MinerVerdict.VERIFIED);
      counts.unverified += Number(verdict === MinerVerdict.UNVERIFIED);
      counts.spotChecks += Number(evidence.has(hotkey));
      counts.caught += Number(evidence.has(hotkey) && isLiar);
      const isAccused = isLiar || verdict === MinerVerdict.COPY;
      if (miner.strategy.isHonest && isAccused) this.accused.add(`${table.epochId}/${hotkey}`);
    }
  }

  /** A tempo's consensus, and what it would have been if nobody took over what others found. */
  paid(result: YumaResult | undefined, alone: YumaResult | undefined): void {
    if (result === undefined || alone === undefined) return;
    this.tempos += 1;
    for (const { hotkey, strategy } of this.miners) {
      const counts = this.counts.get(strategy.name);
      if (counts !== undefined) counts.earned += result.incentive[this.uidOf(hotkey)] ?? 0;
    }
    for (const { hotkey, kind } of VALIDATORS) {
      const peers = VALIDATORS.filter((validator) => validator.kind === kind).length;
      this.trust[kind] += (result.validatorTrust[this.uidOf(hotkey)] ?? 0) / peers;
      this.trustAlone[kind] += (alone.validatorTrust[this.uidOf(hotkey)] ?? 0) / peers;
    }
  }

  figures({ seed, epochs }: { seed: string; epochs: number }): SeedFigures {
    const tempos = Math.max(1, this.tempos);
    const strategies = [...this.counts.values()].map((counts) => ({
      ...counts,
      earned: counts.earned / tempos / (this.operators.get(counts.strategy) ?? 1),
      scoreBps: counts.judgements === 0 ? 0 : counts.scoreBps / counts.judgements,
    }));
    const perTempo = ({ honest, lazy, colluding, offline }: Record<ValidatorKind, number>) => ({
      honest: honest / tempos,
      lazy: lazy / tempos,
      colluding: colluding / tempos,
      offline: offline / tempos,
    });
    return {
      seed,
      epochs,
      strategies,
      trust: perTempo(this.trust),
      trustAlone: perTempo(this.trustAlone),
      honestEpochs: this.miners.filter(({ strategy }) => strategy.isHonest).length * epochs,
      accusedEpochs: this.accused.size,
      invariants: this.invariants,
    };
  }
}
