/**
 * Files of listings in Parquet: typed columns named as the fields of Listing, Snappy, and in the footer which
 * assignment the file belongs to. DuckDB, Spark and Athena read them directly. Times are kept to the millisecond.
 */
import { parquetReadObjects } from "hyparquet";
import type { FileMetaData } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import { ZipnetError, messageOf } from "../../core/errors.js";
import type { ListingFileHead, ListingFiles } from "../../core/ports.js";
import type { Listing } from "../../gen/zipnet/v1/listing_pb.js";
import { cellOf, COLUMNS, listingOf, SCHEMA } from "./columns.js";
import { checkFile } from "./file-check.js";
import { snappyDecompress } from "./snappy.js";
import { unreadable } from "./unreadable.js";

const SCHEMA_VERSION = "1";
const ROW_GROUP_ROWS = 10_000;
const MAX_HEAD_CHARACTERS = 200;

/** Keys of the footer's metadata. */
const KEYS = {
  schemaVersion: "zipnet.schema_version",
  epochId: "zipnet.epoch_id",
  nonce: "zipnet.nonce",
  hotkey: "zipnet.hotkey",
  zipCode: "zipnet.zip_code",
} as const;

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
        { key: KEYS.schemaVersion, value: SCHEMA_VERSION },
        { key: KEYS.epochId, value: head.epochId },
        { key: KEYS.nonce, value: head.nonce },
        { key: KEYS.hotkey, value: head.hotkey },
        { key: KEYS.zipCode, value: head.zipCode },
      ],
    }),
  );
}

async function decode(content: Uint8Array): Promise<{ head: ListingFileHead; listings: Listing[] }> {
  try {
    // Its own buffer, since the library looks at whole buffers.
    const own = content.slice();
    const metadata = checkFile(own);
    return { head: headOf(metadata), listings: await readListings(own, metadata) };
  } catch (error) {
    if (error instanceof ZipnetError) throw error;
    const problem = messageOf(error);
    throw unreadable("a part of it", `breaks the Parquet format (${problem})`, error);
  }
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
  const version = text(KEYS.schemaVersion);
  if (version !== SCHEMA_VERSION)
    throw unreadable(`the metadata ${KEYS.schemaVersion}`, `is "${version}", but must be "${SCHEMA_VERSION}"`);
  return {
    epochId: text(KEYS.epochId),
    nonce: text(KEYS.nonce),
    hotkey: text(KEYS.hotkey),
    zipCode: text(KEYS.zipCode),
  };
}

async function readListings(content: Uint8Array, metadata: FileMetaData): Promise<Listing[]> {
  const file = {
    byteLength: content.byteLength,
    slice: (start: number, end?: number) => content.slice(start, end).buffer,
  };
  const listings: Listing[] = [];
  for (const group of metadata.row_groups) {
    const rowStart = listings.length;
    const rowEnd = rowStart + Number(group.num_rows);
    const rows = await parquetReadObjects({
      file,
      metadata,
      rowStart,
      rowEnd,
      compressors: { SNAPPY: snappyDecompress },
      geoparquet: false,
    });
    if (rows.length !== rowEnd - rowStart)
      throw unreadable(`rows ${rowStart} to ${rowEnd - 1}`, `are only ${rows.length}`);
    for (const row of rows) listings.push(listingOf(row, listings.length));
  }
  return listings;
}
