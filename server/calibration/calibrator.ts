/**
 * The calibrator: settles epochs whose judging is over, and chooses the catalogue of the next epoch while the one before
 * it runs. Every replica runs one; there is no leader. What it has not done in time, the draw does without it: then the
 * catalogue stays as it is for one more epoch.
 */
import { messageOf } from "../../core/errors.js";
import { calibrate } from "../../core/calibration/calibrate.js";
import { type Calibrated, bringsImport, calibrationDue, settledTo } from "../../core/calibration/choice.js";
import { epochIdOf, epochNumberAt, epochStartMs } from "../../core/epoch-time.js";
import { settlementKey } from "../../core/object-keys.js";
import { type CatalogueChoice, type Settlement, SettlementSchema } from "../../gen/zipnet/v1/calibration_pb.js";
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import { retryWaitMs } from "../keeper/keeper.js";
import type { ServerParts } from "../parts.js";
import { chooseCatalogue } from "./choose.js";
import { ownRecords } from "./own-records.js";
import { type SettleParts, settleEpoch } from "./settle-epoch.js";
import { reasonToWithhold } from "./withhold.js";

/** What the calibrator works with. */
export type CalibratorParts = Pick<
  ServerParts,
  "catalogue" | "catalogues" | "chain" | "clock" | "deployment" | "epochs" | "log" | "objects" | "signer" | "verify"
> &
  Pick<SettleParts, "minValidatorStakeRao">;

/** Part of an epoch that passes first: when an epoch opens, thousands of streams have to be told. */
const QUIET_PART = 16;
/** Epochs that are learned from at once; of a longer time without a choice, the newest. */
const MOST_EPOCHS = 2_000;

/**
 * Settles and chooses until the signal is aborted; resolves then. After any failure it waits, looks at the records again
 * and goes on.
 */
export async function runCalibrator(parts: CalibratorParts, signal: AbortSignal): Promise<void> {
  const { clock, deployment, log } = parts;
  const calibrator = new Calibrator(parts);
  const lengthMs = deployment.epochLengthSeconds * 1000;
  const quietMs = (epochNumber: number): number => epochNumber * lengthMs + Math.floor(lengthMs / QUIET_PART);
  let failures = 0;
  let nextMs = quietMs(epochNumberAt(clock.now(), deployment.epochLengthSeconds));
  while (!signal.aborted) {
    await clock.sleepUntil(nextMs, signal).catch(() => {}); // Only the signal ends the sleep early.
    if (signal.aborted) return;
    try {
      const running = epochNumberAt(clock.now(), deployment.epochLengthSeconds);
      nextMs = quietMs(running + 1);
      await calibrator.prepare(running + 1, signal);
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      const waitMs = retryWaitMs(failures);
      nextMs = clock.now() + waitMs;
      const facts = { event: "calibrator_failed", err: error, failures, wait_ms: waitMs };
      log.warn(facts, `calibrating the catalogue failed and is tried again in ${waitMs} ms: ${messageOf(error)}`);
    }
  }
}

class Calibrator {
  readonly #parts: CalibratorParts;
  readonly #settleParts: SettleParts;
  /** Settlements that were read or written and are not learned from yet, by epoch id. */
  readonly #settled = new Map<string, Settlement>();
  #toldOther = -1;

  constructor(parts: CalibratorParts) {
    this.#parts = parts;
    this.#settleParts = { ...parts, settlements: ownRecords(SettlementSchema, settlementKey, parts) };
  }

  /** Chooses the catalogue of an epoch that has not begun, and settles what is over by now. */
  async prepare(epochNumber: number, signal: AbortSignal): Promise<void> {
    const { catalogue, catalogues, deployment } = this.#parts;
    const chosen = await catalogues.choiceOf(epochNumber);
    const before = chosen ?? (await catalogues.choiceBefore(epochNumber));
    // The first choice of all is made by the first draw.
    if (before === undefined) return;
    const isDue =
      chosen === undefined &&
      !bringsImport(before, catalogue.sha256) &&
      calibrationDue(before, epochNumber, deployment.calibrateEveryEpochs);
    // Settling may take its time, so what needs no settlement goes first.
    const choice = isDue ? before : (chosen ?? (await chooseCatalogue(this.#parts, epochNumber)));
    const over = await this.#settleAfter(choice.learnedToNumber, settledTo(epochNumber), signal);
    const stands = isDue
      ? await chooseCatalogue(this.#parts, epochNumber, await this.#calibrate(before, epochNumber, over))
      : choice;
    // So that the draw finds it in memory.
    await catalogues.read(stands.catalogueSha256);
    this.#tellOther(stands);
  }

  /** Settles the epochs after one up to another one; the epochs, ascending. */
  async #settleAfter(afterNumber: number, toNumber: number, signal: AbortSignal): Promise<Epoch[]> {
    const { deployment, epochs } = this.#parts;
    const count = Math.min(toNumber - afterNumber, MOST_EPOCHS);
    if (deployment.calibrateEveryEpochs === 0 || count <= 0) return [];
    const endId = epochIdOf(epochStartMs(toNumber + 1, deployment.epochLengthSeconds));
    const stored = await epochs.list(count, endId);
    const over = stored.map(({ epoch }) => epoch).filter(({ number }) => number > afterNumber);
    const ids = new Set(over.map(({ id }) => id));
    for (const id of this.#settled.keys()) if (!ids.has(id)) this.#settled.delete(id);
    for (const epoch of over.reverse()) {
      signal.throwIfAborted();
      if (this.#settled.has(epoch.id)) continue;
      this.#settled.set(epoch.id, await settleEpoch(this.#settleParts, epoch, signal));
    }
    return over;
  }

  /**
   * Makes and stores the catalogue of an epoch from the one of the choice before and from these epochs; undefined where it
   * has to wait, and is tried again with the next epoch.
   */
  async #calibrate(
    before: CatalogueChoice,
    epochNumber: number,
    learnFrom: readonly Epoch[],
  ): Promise<Calibrated | undefined> {
    const { catalogues, deployment } = this.#parts;
    const { resultCapListings } = deployment;
    const epochIds = learnFrom.map(({ id }) => id);
    if (epochIds.length === 0) return { catalogueSha256: before.catalogueSha256, epochIds, resultCapListings };
    const present = await catalogues.read(before.catalogueSha256);
    const settlements = epochIds.flatMap((id) => this.#settled.get(id) ?? []);
    const entries = calibrate({ catalogue: present.catalogue, settlements, epochNumber, resultCapListings });
    const made = await catalogues.store(entries);
    const problem = await reasonToWithhold(this.#parts, epochNumber, made, present);
    if (problem === undefined) return { catalogueSha256: made.sha256, epochIds, resultCapListings };
    this.#tellWithheld(epochNumber, made.sha256, problem);
    return undefined;
  }

  /** Says that what epochs held leaves too little to draw from by the present rules. */
  #tellWithheld(epochNumber: number, sha256: string, problem: string): void {
    const { deployment, log } = this.#parts;
    const epochId = epochIdOf(epochStartMs(epochNumber, deployment.epochLengthSeconds));
    const facts = { event: "calibration_withheld", epoch_id: epochId, catalogue: sha256, problem };
    const what = `the catalogue stays uncalibrated for epoch ${epochId}, because draws from the calibrated one would not land`;
    log.error(facts, `${what}: ${problem}`);
  }

  /** Says that the settings name another import than the one in force: once per epoch, until it is put right. */
  #tellOther({ epochId, epochNumber, importedSha256, replacedSha256s }: CatalogueChoice): void {
    const { catalogue, log } = this.#parts;
    const named = catalogue.sha256;
    if (importedSha256 === named || epochNumber === this.#toldOther) return;
    this.#toldOther = epochNumber;
    const isReplaced = replacedSha256s.includes(named);
    const facts = {
      event: "catalogue_differs",
      epoch_id: epochId,
      named,
      imported: importedSha256,
      is_replaced: isReplaced,
    };
    if (isReplaced) {
      const what = `the settings name the catalogue ${named}, which was replaced by ${importedSha256}`;
      const help = "give all servers the new one, or import the old one again as of another day";
      log.error(facts, `${what} and does not come back by itself; ${help}`);
    } else {
      const what = `the settings name the catalogue ${named}, but another server chose for epoch ${epochId}`;
      log.warn(facts, `${what}; it comes into force with a later epoch, at the latest when all servers name it`);
    }
  }
}
