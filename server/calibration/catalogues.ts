/**
 * Catalogues by their names, and the choices of which one an epoch is drawn from.
 */
import { decodeCatalogue, encodeCatalogue } from "../../core/catalogue.js";
import { epochIdOf, epochStartMs } from "../../core/epoch-time.js";
import { ZipnetError } from "../../core/errors.js";
import { sha256Hex } from "../../core/hash.js";
import { CHOICE_PREFIX, RECORD_CONTENT_TYPE, catalogueKey, choiceKey } from "../../core/object-keys.js";
import { type CatalogueChoice, CatalogueChoiceSchema } from "../../gen/zipnet/v1/calibration_pb.js";
import type { CatalogueEntry } from "../../gen/zipnet/v1/epoch_pb.js";
import { epochIndex } from "../../rpc/epoch-log/epoch-index.js";
import type { NamedCatalogue } from "../parts.js";
import { type OwnRecords, type OwnRecordsOptions, ownRecords } from "./own-records.js";

/** All catalogues of the deployment, and which one is in force. */
export interface Catalogues {
  /** A catalogue by its name. Rejects with UNAVAILABLE when the store does not hold it whole. */
  read(sha256: string): Promise<NamedCatalogue>;
  /** Stores a catalogue of these entries. */
  store(entries: readonly CatalogueEntry[]): Promise<NamedCatalogue>;
  /** The choice for an epoch; undefined while there is none. */
  choiceOf(epochNumber: number): Promise<CatalogueChoice | undefined>;
  /** The newest choice for an epoch before this one; undefined when there is none. */
  choiceBefore(epochNumber: number): Promise<CatalogueChoice | undefined>;
  /** Writes a choice unless the epoch has one; answers the one that is stored, and whether it is this one. */
  putChoice: OwnRecords<typeof CatalogueChoiceSchema>["put"];
  /** The choice for the latest epoch that is known here; undefined while none is. Never waits for the store. */
  newestChoice(): CatalogueChoice | undefined;
}

/** What they are read with. */
export interface CataloguesOptions extends OwnRecordsOptions {
  readonly epochLengthSeconds: number;
  /** The catalogue that the settings name. */
  readonly configured: NamedCatalogue;
}

/** The catalogues in a store. The one that was read last stays in memory, beside the one of the settings. */
export function storedCatalogues(options: CataloguesOptions): Catalogues {
  const { objects, configured, epochLengthSeconds } = options;
  const records = ownRecords(CatalogueChoiceSchema, choiceKey, options);
  const index = epochIndex(objects, epochLengthSeconds, CHOICE_PREFIX);
  const idOf = (epochNumber: number): string => epochIdOf(epochStartMs(epochNumber, epochLengthSeconds));
  let held = configured;
  let newest: CatalogueChoice | undefined;

  function seen<T extends CatalogueChoice | undefined>(choice: T): T {
    if (choice !== undefined && choice.epochNumber >= (newest?.epochNumber ?? 0)) newest = choice;
    return choice;
  }

  return {
    async read(sha256) {
      for (const known of [configured, held]) if (known.sha256 === sha256) return known;
      const bytes = await objects.get(catalogueKey(sha256));
      if (bytes === undefined || sha256Hex(bytes) !== sha256) {
        const what = bytes === undefined ? "is not in the object store" : "is damaged in the object store";
        throw new ZipnetError("UNAVAILABLE", `the catalogue ${sha256} ${what}; bring ${catalogueKey(sha256)} back`);
      }
      held = { catalogue: decodeCatalogue(bytes), sha256 };
      return held;
    },
    async store(entries) {
      const { bytes, catalogue, sha256 } = encodeCatalogue(entries);
      await objects.putIfAbsent(catalogueKey(sha256), bytes, RECORD_CONTENT_TYPE);
      held = { catalogue, sha256 };
      return held;
    },
    choiceOf: async (epochNumber) => seen(await records.get(idOf(epochNumber))),
    async choiceBefore(epochNumber) {
      // None can come in between.
      if (newest !== undefined && newest.epochNumber === epochNumber - 1) return newest;
      const [epochId] = await index.before(idOf(epochNumber), 1);
      return epochId === undefined ? undefined : seen(await records.get(epochId));
    },
    async putChoice(epochId, choice) {
      const put = await records.put(epochId, choice);
      seen(put.stored);
      return put;
    },
    newestChoice: () => newest,
  };
}
