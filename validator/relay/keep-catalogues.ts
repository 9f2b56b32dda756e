/**
 * Keeps the catalogues that epochs are drawn from, so that the relay can hand them on while the server is out of reach.
 */
import { messageOf } from "../../core/errors.js";
import { RECORD_CONTENT_TYPE, catalogueKey } from "../../core/object-keys.js";
import type { Clock, Log, ObjectStore } from "../../core/ports.js";
import type { RecordedEpochs } from "../../rpc/epoch-log/recorded-epochs.js";
import type { JudgingCalls } from "../server-calls.js";

/** What keeping catalogues needs. */
export interface KeepCataloguesOptions {
  readonly epochs: Pick<RecordedEpochs, "newestEpoch">;
  readonly epochLengthSeconds: number;
  readonly server: Pick<JudgingCalls, "catalogue" | "info">;
  readonly objects: Pick<ObjectStore, "head" | "putIfAbsent">;
  readonly clock: Clock;
  readonly log: Log;
}

/** The catalogue of the next epoch is announced well before it starts; so many looks fall into one epoch. */
const LOOKS_PER_EPOCH = 8;

/**
 * Gets the catalogue of the newest epoch and of the next one from the server as they come, until the signal. What fails
 * is tried again at the next look, eight times in an epoch.
 */
export async function keepCatalogues(options: KeepCataloguesOptions, signal: AbortSignal): Promise<void> {
  const { clock, epochLengthSeconds, log } = options;
  const kept = new Set<string>();
  while (!signal.aborted) {
    try {
      for (const sha256 of await namedCatalogues(options, signal)) {
        if (!kept.has(sha256)) await keepCatalogue(sha256, options, signal);
        kept.add(sha256);
      }
    } catch (error) {
      signal.throwIfAborted();
      log.warn({ err: error }, `the catalogue could not be kept, which is tried again: ${messageOf(error)}`);
    }
    await clock.sleepUntil(clock.now() + (epochLengthSeconds * 1000) / LOOKS_PER_EPOCH, signal);
  }
}

/** Hashes of the catalogues that the newest epoch was drawn from and the next one will be. */
async function namedCatalogues(
  { epochs, server }: KeepCataloguesOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const newest = await epochs.newestEpoch();
  const next = await server.info(signal);
  return [newest?.epoch.catalogueSha256 ?? "", next.catalogueSha256].filter((sha256) => sha256 !== "");
}

async function keepCatalogue(sha256: string, options: KeepCataloguesOptions, signal: AbortSignal): Promise<void> {
  const { log, objects, server } = options;
  const key = catalogueKey(sha256);
  if ((await objects.head(key)) !== undefined) return;
  await objects.putIfAbsent(key, await server.catalogue(sha256, signal), RECORD_CONTENT_TYPE);
  log.info({ event: "catalogue_kept", sha256 }, `the catalogue ${sha256} is here and passed on`);
}
