/**
 * Files of listings in Parquet: typed columns named as the fields of Listing, Snappy, and in the footer which
 * assignment the file belongs to. DuckDB, Spark and Athena read them directly. Times are kept to the millisecond.
 */
import { parquetWriteBuffer } from "hyparquet-writer";
import type { ListingFileHead, ListingFiles, ReadFile } from "../../core/ports.js";
import type { Listing } from "../../gen/zipnet/v1/listing_pb.js";
import { cellOf, COLUMNS, SCHEMA } from "./columns.js";
import { FOOTER_KEYS, SCHEMA_VERSION } from "./footer-keys.js";
import { listingAt, readFile } from "./listing-rows.js";

const ROW_GROUP_ROWS = 10_000;

/** The submission format over Parquet. decode reads at most 64 MiB and 1,000,000 rows. */
export function listingFiles(): ListingFiles {
  return { encode, decode };
}

function encode(head: ListingFileHead, listings: readonly Listing[]): Uint8Array {
  return new Uint8Array(
    parquetWriteBuffer({
      columnData: COLUMNS.map((column) => ({
        name: column.element.name,
        data: listings.map((listing) => cellOf(listing, column)),
      })),
      schema: SCHEMA,
      codec: "SNAPPY",
      rowGroupSize: ROW_GROUP_ROWS,
      createdBy: "zipnet",
      kvMetadata: [
        { key: FOOTER_KEYS.schemaVersion, value: SCHEMA_VERSION },
        { key: FOOTER_KEYS.epochId, value: head.epochId },
        { key: FOOTER_KEYS.nonce, value: head.nonce },
        { key: FOOTER_KEYS.hotkey, value: head.hotkey },
        { key: FOOTER_KEYS.zipCode, value: head.zipCode },
      ],
    }),
  );
}

async function decode(content: Uint8Array): Promise<ReadFile> {
  const { head, rows } = readFile(content, listingAt);
  return { head, listings: rows };
}
