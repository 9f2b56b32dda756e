/**
 * A catalogue that is made without anybody looking must not end draws that land without it.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { lastDrawnBefore } from "../../core/build-epoch.js";
import { type LastDrawn, drawPool } from "../../core/draw/pool.js";
import { simulateDraws } from "../../core/draw/simulate.js";
import { isProven, supplyOf } from "../../core/draw/sustain.js";
import { epochIdOf, epochStartMs } from "../../core/epoch-time.js";
import type { Catalogue } from "../../gen/zipnet/v1/epoch_pb.js";
import type { NamedCatalogue, ServerParts } from "../parts.js";

/** What is looked at. */
type WithholdParts = Pick<ServerParts, "deployment" | "epochs">;

/** Draws that are looked at, at most. */
const MOST_DRAWS = 1_000;

/**
 * Why a calibrated catalogue has to wait: the first draw from it, until the next one can follow, that does not land, while
 * all draws from the present one do. Undefined where it need not wait.
 */
export async function reasonToWithhold(
  parts: WithholdParts,
  epochNumber: number,
  made: NamedCatalogue,
  present: NamedCatalogue,
): Promise<string | undefined> {
  const { cooldownEpochs } = parts.deployment.rules;
  const id = epochIdOf(epochStartMs(epochNumber, parts.deployment.epochLengthSeconds));
  const recent = cooldownEpochs === 0 ? [] : await parts.epochs.list(cooldownEpochs, id);
  const lastDrawn = lastDrawnBefore(
    epochNumber,
    recent.map(({ epoch }) => epoch),
  );
  const problem = await firstMiss(parts, epochNumber, made.catalogue, lastDrawn);
  if (problem === undefined) return undefined;
  return (await firstMiss(parts, epochNumber, present.catalogue, lastDrawn)) === undefined ? problem : undefined;
}

/** What is wrong with the first draw that does not land; undefined where all of them do. */
async function firstMiss(
  { deployment }: WithholdParts,
  first: number,
  catalogue: Catalogue,
  lastDrawn: LastDrawn,
): Promise<string | undefined> {
  const { calibrateEveryEpochs, rules } = deployment;
  const pool = drawPool(catalogue, rules);
  if (isProven(supplyOf(pool, first, lastDrawn))) return undefined;
  const epochs = Math.min(calibrateEveryEpochs + rules.cooldownEpochs + 1, MOST_DRAWS);
  for (const { result } of simulateDraws({ pool, first, epochs, lastDrawn, seed: "calibration" })) {
    if (!result.ok) return result.explain();
    await nextTurn(); // Calls are answered between two draws.
  }
  return undefined;
}
