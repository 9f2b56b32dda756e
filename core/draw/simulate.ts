/** Draws of epochs to come, as they would go with seed blocks that are made up. */
import { sha256Of } from "../hash.js";
import { type DrawResult, drawZipCodes } from "./draw.js";
import type { DrawPool, LastDrawn } from "./pool.js";

/** What is simulated. */
export interface Simulation {
  readonly pool: DrawPool;
  /** Number of the first epoch. */
  readonly first: number;
  readonly epochs: number;
  /** The draws before the first. */
  readonly lastDrawn: LastDrawn;
  /** Any text; another one gives other draws. */
  readonly seed: string;
}

/** A draw of a simulation. Whoever wants a miss explained asks before the next one is drawn. */
export interface SimulatedDraw {
  readonly number: number;
  readonly result: DrawResult;
}

/** The draws, one after the other, each in the cooldown of those before. The same simulation gives the same draws. */
export function* simulateDraws({ pool, first, epochs, lastDrawn, seed }: Simulation): Generator<SimulatedDraw, void> {
  const drawn = new Map(lastDrawn);
  for (let number = first; number < first + epochs; number += 1) {
    const drawSeed = sha256Of(["zipnet-simulation-v1", seed, String(number)].join("\n"));
    const result = drawZipCodes({ pool, number, lastDrawn: drawn, seed: drawSeed });
    yield { number, result };
    if (!result.ok) continue;
    for (const { zipCode } of result.zipCodes) drawn.set(zipCode, number);
  }
}
