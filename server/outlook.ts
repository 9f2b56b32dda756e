/**
 * Whether the draws of the time ahead can land: looked at when the server starts, and every day while it runs, so that
 * nobody has to find out in the middle of the night.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { create, equals } from "@bufbuild/protobuf";
import { lastDrawnBefore } from "../core/build-epoch.js";
import { nextChoice } from "../core/calibration/choice.js";
import { type Outlook, lookAhead } from "../core/draw/outlook.js";
import { epochIdOf, epochNumberAt, epochStartMs } from "../core/epoch-time.js";
import { type CatalogueChoice, CatalogueChoiceSchema, CatalogueReason } from "../gen/zipnet/v1/calibration_pb.js";
import { RulesSchema } from "../gen/zipnet/v1/epoch_pb.js";
import type { StoredEpoch } from "../rpc/epoch-log/epoch-log.js";
import type { ServerParts } from "./parts.js";

/** What the outlook is made from. */
export type OutlookParts = Pick<ServerParts, "catalogue" | "catalogues" | "clock" | "deployment" | "epochs" | "log">;

const DAY_MS = 86_400_000;
/** A month of epochs is looked at, and of very short ones so many. */
const MONTH_DAYS = 31;
const MOST_EPOCHS = 1_000;

/**
 * Looks ahead and logs what it sees. Throws an Error when the first epoch to be drawn has no draw, with the rules to
 * change; but not when the owner has changed neither rules nor catalogue since the newest epoch: a server that only starts
 * again must not be kept from taking the submissions to epochs that are open.
 */
export async function assertDrawable(parts: OutlookParts): Promise<void> {
  const { rules } = parts.deployment;
  const [newest] = await parts.epochs.list(1);
  const first = firstToDraw(parts, newest);
  const choice = await choiceAhead(parts, first);
  const outlook = await lookFrom(parts, first, choice.catalogueSha256);
  const isAsBefore =
    newest?.epoch.rules !== undefined &&
    equals(RulesSchema, newest.epoch.rules, rules) &&
    (choice.reason !== CatalogueReason.OWNER || choice.catalogueSha256 === newest.epoch.catalogueSha256);
  if (outlook.missed[0] === first && !isAsBefore) throw new Error(troubleText(parts, outlook));
  tell(parts, outlook);
}

/** Looks ahead every day until the signal, and warns of draws that cannot land. */
export async function watchOutlook(parts: OutlookParts, signal: AbortSignal): Promise<void> {
  const { clock, log } = parts;
  while (!signal.aborted) {
    await clock.sleepUntil(clock.now() + DAY_MS, signal).catch(() => {}); // Only the signal ends the sleep early.
    if (signal.aborted) return;
    try {
      const [newest] = await parts.epochs.list(1);
      const first = firstToDraw(parts, newest);
      const { catalogueSha256 } = await choiceAhead(parts, first);
      tell(parts, await lookFrom(parts, first, catalogueSha256));
    } catch (error) {
      log.warn({ event: "outlook_failed", err: error }, `the draws ahead could not be looked at: ${String(error)}`);
    }
  }
}

/** The epoch after the newest; those that a long absence left out are not drawn any more. */
function firstToDraw({ clock, deployment }: OutlookParts, newest: StoredEpoch | undefined): number {
  const current = epochNumberAt(clock.now(), deployment.epochLengthSeconds);
  if (newest === undefined) return Math.max(current, deployment.firstEpoch);
  return Math.max(newest.epoch.number + 1, current - deployment.rules.cooldownEpochs);
}

/** The choice of the catalogue for an epoch, as it is recorded or as it would be made now. */
async function choiceAhead(
  { catalogue, catalogues, deployment }: OutlookParts,
  epochNumber: number,
): Promise<CatalogueChoice> {
  const { network, netuid, epochLengthSeconds } = deployment;
  const recorded = await catalogues.choiceOf(epochNumber);
  if (recorded !== undefined) return recorded;
  const epochId = epochIdOf(epochStartMs(epochNumber, epochLengthSeconds));
  const previous = await catalogues.choiceBefore(epochNumber);
  // A change of the owner's counts from the next epoch that has not begun; what it leads to is what is asked for.
  const place = { network, netuid, epochNumber, epochId, hasBegun: false };
  return create(CatalogueChoiceSchema, nextChoice({ ...place, previous, configuredSha256: catalogue.sha256 }));
}

async function lookFrom(parts: OutlookParts, first: number, catalogueSha256: string): Promise<Outlook> {
  const { catalogues, deployment, epochs } = parts;
  const { epochLengthSeconds, rules } = deployment;
  const { catalogue } = await catalogues.read(catalogueSha256);
  const id = epochIdOf(epochStartMs(first, epochLengthSeconds));
  const recent = rules.cooldownEpochs === 0 ? [] : await epochs.list(rules.cooldownEpochs, id);
  const looking = lookAhead({
    catalogue,
    rules,
    first,
    epochs: Math.min(MOST_EPOCHS, Math.ceil((MONTH_DAYS * DAY_MS) / (epochLengthSeconds * 1000))),
    lastDrawn: lastDrawnBefore(
      first,
      recent.map(({ epoch }) => epoch),
    ),
  });
  for (;;) {
    const { done, value } = looking.next();
    if (done === true) return value;
    await nextTurn(); // Calls are answered between two draws.
  }
}

function tell(parts: OutlookParts, outlook: Outlook): void {
  const { log, deployment } = parts;
  const { epochs, isProven, missed, problem, remedies } = outlook;
  const [firstMissed] = missed;
  if (firstMissed === undefined) {
    const how = isProven ? "as arithmetic proves, for ever" : `in a simulation of ${epochs} epochs`;
    log.info({ event: "outlook", epochs, is_proven: isProven }, `every draw ahead lands, ${how}`);
    return;
  }
  const epochId = epochIdOf(epochStartMs(firstMissed, deployment.epochLengthSeconds));
  const facts = { event: "draws_endangered", epochs, missed: missed.length, epoch_id: epochId, problem, remedies };
  log.warn(facts, troubleText(parts, outlook));
}

function troubleText({ deployment }: OutlookParts, { epochs, missed, problem, remedies }: Outlook): string {
  const [firstMissed = 0] = missed;
  const id = epochIdOf(epochStartMs(firstMissed, deployment.epochLengthSeconds));
  const advice = remedies.length === 0 ? "change several rules, or take a larger catalogue" : remedies.join(", or ");
  return (
    `of the next ${epochs} draws ${missed.length} cannot land, epoch ${id} first: ${problem}. ` +
    `So that all of them land: ${advice}`
  );
}
