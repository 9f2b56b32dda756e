/**
 * The order in which records must come, so that a log which has passed a revision never finds an event there later.
 */
import { ZipnetError } from "../../core/errors.js";
import type { StoredEpochs } from "./stored-epochs.js";

/**
 * Rejects with EPOCH_CLOSED when a later epoch is recorded already, with EPOCH_OPEN when an epoch before the preceding
 * one lacks its snapshot.
 *
 * @param newest number of the newest recorded epoch.
 */
export async function assertMayOpen(
  epochNumber: number,
  newest: number,
  stored: StoredEpochs,
  idOf: (epochNumber: number) => string,
): Promise<void> {
  if (epochNumber < newest) {
    const text = `epoch ${epochNumber} cannot be recorded any more: epoch ${newest} is recorded already`;
    throw new ZipnetError("EPOCH_CLOSED", text, { newest_epoch: idOf(newest) });
  }
  // Epochs before these had to have their snapshots when these were recorded.
  for (const earlier of [newest, epochNumber - 2]) {
    const id = idOf(earlier);
    if (earlier > epochNumber - 2 || (await stored.epoch(id)) === undefined) continue;
    if ((await stored.closed(id)) !== undefined) continue;
    const text = `epoch ${epochNumber} cannot be recorded before the snapshot of epoch ${earlier} is`;
    throw new ZipnetError("EPOCH_OPEN", text, { missing_snapshot: id });
  }
}
