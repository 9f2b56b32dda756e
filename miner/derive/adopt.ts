/**
 * The record of an epoch that was derived before: what was collected is held against it. The record is what counts.
 */
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import type { ListingFiles, LocalState, Signer } from "../../core/ports.js";
import type { MinerEvent } from "../progress.js";
import { factsOf } from "../work/collect.js";
import { savedWork } from "../work/saved-work.js";
import type { Knowledge } from "./knowledge.js";

/** What adopting needs. */
export interface AdoptParts {
  readonly state: LocalState;
  readonly files: ListingFiles;
  readonly signer: Signer;
  readonly tell: (event: MinerEvent) => void;
}

/**
 * Makes what was collected for a derived epoch the work on its record. Where the two are equal nothing changes. Where they
 * differ, files of zip codes that the record has too are kept, under the record's nonce, and the others are dropped.
 * Does nothing where the epoch was not derived. Can be repeated after a crash at any point.
 */
export async function adoptRecord(parts: AdoptParts, knowledge: Knowledge, epoch: Epoch): Promise<void> {
  const derived = await knowledge.derived(epoch.id);
  if (derived === undefined) return;
  const saved = savedWork(parts.state, epoch.id);
  const scraped = await saved.scraped();
  const zipCodes = (of: Epoch): string => of.zipCodes.map(({ zipCode }) => zipCode).join(" ");
  if (derived.nonce === epoch.nonce && zipCodes(derived) === zipCodes(epoch)) {
    parts.tell({ event: "epoch_confirmed", epoch_id: epoch.id, scraped: scraped.length });
  } else {
    const asked = new Set(epoch.zipCodes.map(({ zipCode }) => zipCode));
    const kept = scraped.filter(({ zipCode }) => asked.has(zipCode));
    for (const { zipCode } of kept) await carryOver(parts, epoch, zipCode);
    const dropped = scraped.filter(({ zipCode }) => !asked.has(zipCode));
    for (const { zipCode } of dropped) await saved.forgetScraped(zipCode);
    parts.tell({ event: "epoch_corrected", epoch_id: epoch.id, kept: kept.length, dropped: dropped.length });
  }
  await knowledge.forgetDerived(epoch.id);
}

/** Writes a file anew with the nonce of the record. */
async function carryOver({ state, files, signer }: AdoptParts, epoch: Epoch, zipCode: string): Promise<void> {
  const saved = savedWork(state, epoch.id);
  const { listings } = await files.decode((await saved.readScraped(zipCode)).content);
  const content = files.encode({ epochId: epoch.id, nonce: epoch.nonce, hotkey: signer.hotkey, zipCode }, listings);
  await saved.saveScraped(factsOf(zipCode, content, listings.length), content);
}
