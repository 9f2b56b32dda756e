/** The catalogue's binary form, by whose hash an epoch names what it was drawn from. */
import { type MessageInitShape, create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Catalogue, CatalogueEntrySchema, CatalogueSchema } from "../gen/zipnet/v1/epoch_pb.js";
import { assertValid } from "./constraints.js";
import { ZipnetError } from "./errors.js";
import { sha256Hex } from "./hash.js";

/**
 * A catalogue of the entries, which may come in any order. The same entries make the same bytes; sha256 is the name of
 * the bytes, 64 lower-case hexadecimal digits. Throws InvalidFieldsError, also for a zip code that stands there twice.
 */
export function encodeCatalogue(entries: readonly MessageInitShape<typeof CatalogueEntrySchema>[]): {
  bytes: Uint8Array;
  sha256: string;
  catalogue: Catalogue;
} {
  const rows = entries.map((entry) => create(CatalogueEntrySchema, entry));
  rows.sort((a, b) => (a.zipCode < b.zipCode ? -1 : a.zipCode > b.zipCode ? 1 : 0));
  const catalogue = create(CatalogueSchema, { entries: rows });
  assertValid(CatalogueSchema, catalogue);
  const bytes = toBinary(CatalogueSchema, catalogue);
  return { bytes, sha256: sha256Hex(bytes), catalogue };
}

/** The catalogue in its binary form. Throws ZipnetError INVALID_FIELD when the bytes are none, InvalidFieldsError included. */
export function decodeCatalogue(bytes: Uint8Array): Catalogue {
  let catalogue: Catalogue;
  try {
    catalogue = fromBinary(CatalogueSchema, bytes);
  } catch (cause) {
    throw new ZipnetError("INVALID_FIELD", `these ${bytes.length} bytes are not a catalogue`, {}, { cause });
  }
  assertValid(CatalogueSchema, catalogue);
  return catalogue;
}
