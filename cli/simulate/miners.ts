/** The miners of a simulated network, and what they hand in for an epoch. */
import type { Chance } from "./chance.js";
import { chanceOf } from "./chance.js";
import type { Strategy, Turn, Work } from "./play.js";
import type { MarketZip, World } from "./world.js";

/** A hotkey that mines. */
export interface Miner {
  readonly hotkey: string;
  readonly coldkey: string;
  /** Whoever holds it; holds others too where the strategy has several hotkeys. */
  readonly operator: string;
  readonly strategy: Strategy;
}

/** What the server took. */
export interface Submission extends Work {
  readonly miner: Miner;
  /** By the server's clock. Unix milliseconds. */
  readonly receivedMs: number;
}

/** An epoch before its close. */
export interface OpenEpoch {
  readonly number: number;
  readonly startMs: number;
  readonly closeMs: number;
  readonly zips: readonly MarketZip[];
  /** Hash of the block that seeded the draw. */
  readonly seedBlockHash: string;
}

/** Time that a miner leaves itself before the close. */
const MARGIN_MS = 180_000;

/** The miners of these strategies, by default as many as each says. */
export function minersOf(strategies: readonly Strategy[], operators: ReadonlyMap<string, number>): Miner[] {
  return strategies.flatMap((strategy) =>
    Array.from(
      { length: operators.get(strategy.name) ?? strategy.operators },
      (_, at) => `${strategy.name}-${at + 1}`,
    ).flatMap((operator) =>
      Array.from({ length: strategy.hotkeys }, (_, at) => ({
        hotkey: strategy.hotkeys === 1 ? operator : `${operator}-${at + 1}`,
        coldkey: `cold-${operator}-${at % strategy.coldkeys}`,
        operator,
        strategy,
      })),
    ),
  );
}

/** Everybody's submissions to an epoch, in the order of their receipts. */
export function submissionsTo(epoch: OpenEpoch, miners: readonly Miner[], world: World, seed: string): Submission[] {
  const taken: Submission[] = [];
  for (const isSecond of [undefined, true]) {
    const turns = miners.filter(({ strategy }) => strategy.isSecond === isSecond);
    for (const miner of turns) {
      const leaked = taken
        .map(({ miner: { operator, strategy }, rows, receivedMs: doneMs }) => ({
          operator,
          strategy: strategy.name,
          rows,
          doneMs,
        }))
        .sort((a, b) => a.doneMs - b.doneMs);
      const luck = chanceOf(seed, "epoch", epoch.number, "miner", miner.hotkey);
      const work = miner.strategy.play({ ...turnOf(epoch, miner, seed, luck), world, leaked });
      if (work === undefined) continue;
      const receivedMs = Math.min(work.doneMs + delayMs(luck), epoch.closeMs - 1_000);
      taken.push({ miner, ...work, receivedMs });
    }
  }
  return taken.sort((a, b) => a.receivedMs - b.receivedMs || (a.miner.hotkey < b.miner.hotkey ? -1 : 1));
}

function turnOf(epoch: OpenEpoch, miner: Miner, seed: string, luck: Chance): Omit<Turn, "world" | "leaked"> {
  const { hotkey, operator, strategy } = miner;
  return {
    hotkey,
    operator,
    listingsPerHour: strategy.listingsPerHour,
    zips: epoch.zips,
    startMs: epoch.startMs,
    deadlineMs: epoch.closeMs - MARGIN_MS,
    seedBlockHash: epoch.seedBlockHash,
    luck: `${seed}/${epoch.number}/${hotkey}`,
    // Clocks of machines that are looked after are a little wrong.
    skewMs: luck.between(-60_000, 60_000),
  };
}

/** From the last file to the receipt: seconds, now and then minutes, as networks and stores are. */
function delayMs(luck: Chance): number {
  return luck.happens(200) ? luck.between(60_000, 300_000) : luck.between(500, 15_000);
}
