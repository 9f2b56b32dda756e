import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import { putDown } from "./changes.js";
import { type Outcome, orAborted, scrapingFailed } from "./collect.js";
import { assertShape } from "./doubts.js";
import { pageMemory } from "./page-memory.js";
import type { EpochParts } from "./parts.js";

/**
 * Looks whether the source still has the shape that is read, before an epoch's first search: up to two pages of a zip
 * code's search, which that search is then given, and one listing by its id. A failure means what a failed search does.
 * Rejects only when local state fails.
 */
export async function checkBeforeSearch(
  parts: EpochParts,
  epoch: Epoch,
  zipCode: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const memory = pageMemory(parts.state, epoch.id, zipCode, parts.clock);
  const expected = epoch.zipCodes.find((each) => each.zipCode === zipCode)?.expectedListings ?? 0;
  try {
    await orAborted(assertShape(parts.source(memory.around), zipCode, expected, signal), signal);
  } catch (error) {
    if (signal.aborted) return { change: (work) => putDown(work, zipCode) };
    return scrapingFailed(parts, epoch, zipCode, error, false);
  }
  await memory.accept();
  await memory.settled();
  return {
    change: (work) => ({ ...putDown(work, zipCode), isSourceChecked: true, fruitlessInARow: 0 }),
    event: () => ({ event: "source_checked", epoch_id: epoch.id, zip_code: zipCode }),
  };
}
