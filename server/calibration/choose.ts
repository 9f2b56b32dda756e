/**
 * Making the choice of which catalogue an epoch is drawn from.
 */
import { type Calibrated, nextChoice } from "../../core/calibration/choice.js";
import { epochIdOf, epochStartMs } from "../../core/epoch-time.js";
import { type CatalogueChoice, CatalogueReason } from "../../gen/zipnet/v1/calibration_pb.js";
import type { ServerParts } from "../parts.js";

/** What choosing works with. */
export type ChooseParts = Pick<ServerParts, "catalogue" | "catalogues" | "clock" | "deployment" | "log">;

/**
 * The choice for an epoch: the one that is recorded, or else a new one, by the first of the replicas. Every replica draws
 * by it, whatever its settings name.
 *
 * @param calibrated the catalogue that the epoch is due for; without it the one before stays, unless the owner changes it.
 * An epoch that has begun keeps the one before in any case.
 */
export async function chooseCatalogue(
  parts: ChooseParts,
  epochNumber: number,
  calibrated?: Calibrated,
): Promise<CatalogueChoice> {
  const { catalogue, catalogues, clock, deployment } = parts;
  const recorded = await catalogues.choiceOf(epochNumber);
  if (recorded !== undefined) return recorded;
  const { network, netuid, epochLengthSeconds } = deployment;
  const startMs = epochStartMs(epochNumber, epochLengthSeconds);
  const epochId = epochIdOf(startMs);
  const previous = await catalogues.choiceBefore(epochNumber);
  const place = { network, netuid, epochNumber, epochId };
  const ours = nextChoice({
    ...place,
    hasBegun: clock.now() >= startMs,
    previous,
    configuredSha256: catalogue.sha256,
    ...(calibrated === undefined ? {} : { calibrated }),
  });
  const { stored, isOurs } = await catalogues.putChoice(epochId, ours);
  if (isOurs) tell(parts, stored);
  return stored;
}

const WHY: Readonly<Record<CatalogueReason, string>> = {
  [CatalogueReason.UNSPECIFIED]: "",
  [CatalogueReason.UNCHANGED]: "",
  [CatalogueReason.OWNER]: "as the settings name it",
  [CatalogueReason.CALIBRATED]: "as calibrated",
};

function tell({ log }: ChooseParts, choice: CatalogueChoice): void {
  const { reason, epochId, catalogueSha256, learnedEpochIds } = choice;
  if (reason === CatalogueReason.UNCHANGED) return;
  const facts = {
    event: "catalogue_chosen",
    epoch_id: epochId,
    catalogue: catalogueSha256,
    reason: CatalogueReason[reason],
    learned_epochs: learnedEpochIds.length,
  };
  log.info(facts, `from epoch ${epochId} on the catalogue is ${catalogueSha256}, ${WHY[reason]}`);
}
