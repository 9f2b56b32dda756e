/**
 * Reads the rows of a file of listings. Every limit here is a rule that decides alike on every machine.
 */
import { create } from "@bufbuild/protobuf";
import type { FileMetaData } from "hyparquet";
import { ZipnetError, messageOf } from "../../core/errors.js";
import type { ListingFileHead } from "../../core/ports.js";
import { type Listing, ListingSchema } from "../../gen/zipnet/v1/listing_pb.js";
import { readColumn } from "./column-reader.js";
import { COLUMNS } from "./columns.js";
import { checkFile, fullBudget, whereOf } from "./file-check.js";
import { FOOTER_KEYS, SCHEMA_VERSION } from "./footer-keys.js";
import { unreadable } from "./unreadable.js";

const MAX_HEAD_CHARACTERS = 200;

/** Values of the fields, as Listing has them, in the contract's order. undefined: absent. */
export type FieldValues = readonly unknown[];

/** Reads a file that anybody may have made; `make` gets the values of each row. Throws FILE_UNREADABLE. */
export function readFile<Row>(
  content: Uint8Array,
  make: (columns: readonly FieldValues[], row: number) => Row,
): { head: ListingFileHead; rows: Row[] } {
  try {
    // Its own buffer, since the library looks at whole buffers.
    const own = content.slice();
    const { metadata, footerStart } = checkFile(own);
    const head = headOf(metadata);
    const rows: Row[] = [];
    const budget = fullBudget();
    for (const [group, { columns, num_rows: count }] of metadata.row_groups.entries()) {
      const values = COLUMNS.map((column, index) => {
        const chunk = columns[index]?.meta_data;
        if (chunk === undefined) throw new TypeError("a file is checked before it is read");
        const where = whereOf(group, column.element.name);
        const optional = column.element.repetition_type === "OPTIONAL";
        const place = { content: own, end: footerStart, rows: Number(count), optional, where, budget };
        return readColumn({ ...place, column: chunk }, column, rows.length);
      });
      for (let row = 0; row < Number(count); row += 1) rows.push(make(values, row));
    }
    return { head, rows };
  } catch (error) {
    if (error instanceof ZipnetError) throw error;
    throw unreadable("a part of it", `breaks the Parquet format (${messageOf(error)})`, error);
  }
}

const NAMES = COLUMNS.map((column) => column.field.localName);

/** A row as a message. */
export function listingAt(columns: readonly FieldValues[], row: number): Listing {
  const listing = create(ListingSchema);
  const fields = listing as unknown as Record<string, unknown>;
  for (let i = 0; i < NAMES.length; i += 1) {
    const value = columns[i]?.[row];
    const name = NAMES[i];
    if (value !== undefined && name !== undefined) fields[name] = value;
  }
  return listing;
}

/** Where the column of a field is. */
const AT = Object.fromEntries(NAMES.map((name, index) => [name, index])) as Readonly<Record<keyof Fields, number>>;
type Fields = Omit<Listing, "$typeName" | "$unknown">;

/**
 * A row that can be read as a message, and is none: several times as quick to make, because all rows have one shape that
 * is known here. For who looks at each row once.
 */
export function plainListingAt(columns: readonly FieldValues[], row: number): Listing {
  const fields: { readonly [Field in keyof Required<Fields>]: unknown } = {
    listingId: columns[AT.listingId]?.[row],
    url: columns[AT.url]?.[row],
    zipCode: columns[AT.zipCode]?.[row],
    streetAddress: columns[AT.streetAddress]?.[row],
    city: columns[AT.city]?.[row],
    state: columns[AT.state]?.[row],
    status: columns[AT.status]?.[row],
    homeType: columns[AT.homeType]?.[row],
    priceUsd: columns[AT.priceUsd]?.[row],
    bedrooms: columns[AT.bedrooms]?.[row],
    bathrooms: columns[AT.bathrooms]?.[row],
    livingAreaSqft: columns[AT.livingAreaSqft]?.[row],
    lotAreaSqft: columns[AT.lotAreaSqft]?.[row],
    latitude: columns[AT.latitude]?.[row],
    longitude: columns[AT.longitude]?.[row],
    taxAssessedValueUsd: columns[AT.taxAssessedValueUsd]?.[row],
    brokerName: columns[AT.brokerName]?.[row],
    daysOnMarket: columns[AT.daysOnMarket]?.[row],
    priceChangedTime: columns[AT.priceChangedTime]?.[row],
    scrapedTime: columns[AT.scrapedTime]?.[row],
  };
  return fields as unknown as Listing;
}

function headOf(metadata: FileMetaData): ListingFileHead {
  function text(key: string): string {
    const entries = (metadata.key_value_metadata ?? []).filter((entry) => entry.key === key);
    const value = entries[0]?.value;
    if (entries.length !== 1 || value === undefined)
      throw unreadable(`the metadata ${key}`, `stands there ${entries.length} times, but must once`);
    if (value.length > MAX_HEAD_CHARACTERS)
      throw unreadable(`the metadata ${key}`, `has ${value.length} characters, but may have ${MAX_HEAD_CHARACTERS}`);
    return value;
  }
  const version = text(FOOTER_KEYS.schemaVersion);
  if (version !== SCHEMA_VERSION)
    throw unreadable(`the metadata ${FOOTER_KEYS.schemaVersion}`, `is "${version}", but must be "${SCHEMA_VERSION}"`);
  return {
    epochId: text(FOOTER_KEYS.epochId),
    nonce: text(FOOTER_KEYS.nonce),
    hotkey: text(FOOTER_KEYS.hotkey),
    zipCode: text(FOOTER_KEYS.zipCode),
  };
}
