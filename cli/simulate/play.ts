/** What a way to play is, and what all of them share. */
import { chanceOf } from "./chance.js";
import { type Rows, readZips } from "./reading.js";
import type { MarketZip, World } from "./world.js";

/** What a miner hands in. */
export interface Work {
  readonly rows: Rows;
  /** When its last file is ready. Unix milliseconds. */
  readonly doneMs: number;
}

/** What a miner knows when its turn comes. */
export interface Turn {
  readonly world: World;
  readonly zips: readonly MarketZip[];
  readonly startMs: number;
  /** From here on it hands in what it has. */
  readonly deadlineMs: number;
  /** Hash of the block that seeded the draw: all the chance that is known before the close. */
  readonly seedBlockHash: string;
  readonly hotkey: string;
  /** Seeds whatever this miner chooses or meets in this epoch. */
  readonly luck: string;
  readonly skewMs: number;
  readonly listingsPerHour: number;
  /** What those have handed in who play before: a leak, or another hotkey of the same operator. Earliest first. */
  readonly leaked: readonly (Work & { readonly operator: string; readonly strategy: string })[];
  readonly operator: string;
}

/** A way to play. */
export interface Strategy {
  readonly name: string;
  /** What it does, in a few words. */
  readonly says: string;
  readonly isHonest: boolean;
  /** The honest strategy of equal effort: as quick a reader, reading for as long as it takes. Itself for an honest one. */
  readonly equal: string;
  /** Operators that play it by default, each with so many hotkeys on so many coldkeys. */
  readonly operators: number;
  readonly hotkeys: number;
  readonly coldkeys: number;
  readonly listingsPerHour: number;
  /** Plays after the others, with what leaked of theirs. */
  readonly isSecond?: true;
  readonly play: (turn: Turn) => Work | undefined;
}

/** Listings an hour of those who read quickly, steadily and slowly; an epoch is four hours. */
export const PACE = { quick: 5_000, steady: 300, slow: 140 } as const;

/** Reads these zip codes as they are. */
export function readHonestly(turn: Turn, zips: readonly MarketZip[]): Work {
  return readZips({ ...turn, zips, fromMs: turn.startMs, untilMs: turn.deadlineMs });
}

/** The zip codes in an order of one's own, the first so many of 100. */
export function someZips(turn: Turn, percent: number): MarketZip[] {
  const chance = chanceOf(turn.luck, "order");
  const order = turn.zips.map((zip) => ({ zip, at: chance.below(1_000_000) })).sort((a, b) => a.at - b.at);
  return order.slice(0, Math.max(1, Math.round((order.length * percent) / 100))).map(({ zip }) => zip);
}
