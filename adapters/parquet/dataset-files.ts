/**
 * Files of the dataset in Parquet: the columns of a file of listings, and beside them those that say where a row comes
 * from. docs/dataset.md describes them for whoever reads the files.
 */
import { rename, rm } from "node:fs/promises";
import { create } from "@bufbuild/protobuf";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import type { SchemaElement } from "hyparquet";
import { ParquetWriter, fileWriter } from "hyparquet-writer";
import { ZipnetError, messageOf } from "../../core/errors.js";
import { type DatasetRow, DatasetRowSchema } from "../../gen/zipnet/v1/dataset_pb.js";
import { COLUMNS, cellOf, columnOf, fillFrom, listingOf } from "./columns.js";
import { unreadable } from "./unreadable.js";

/** Version of the columns and of what they mean. */
export const DATASET_VERSION = "1";
const ROW_GROUP_ROWS = 50_000;
const KEYS = { version: "zipnet.dataset_version", network: "zipnet.network", netuid: "zipnet.netuid" } as const;

const OWN_COLUMNS = DatasetRowSchema.fields.filter(({ name }) => name !== "listing").map((field) => columnOf(field));
/** The whole schema of a file: the root, then the columns. */
export const DATASET_SCHEMA: SchemaElement[] = [
  { name: "row", num_children: COLUMNS.length + OWN_COLUMNS.length },
  ...[...COLUMNS, ...OWN_COLUMNS].map(({ element }) => element),
];

/** Which deployment a dataset is of. */
export interface DatasetHead {
  readonly network: string;
  readonly netuid: number;
}

/** A dataset file that is being written. */
export interface DatasetFile {
  /** Adds rows below those that are there. */
  write(rows: readonly DatasetRow[]): Promise<void>;
  /** Gives the file its name. Until then nothing is at the path that was not there before. */
  finish(): Promise<void>;
  /** Gives up: nothing is left of it. */
  discard(): Promise<void>;
}

/** Begins a dataset file. The same rows in the same calls make the same bytes. Replaces what is at the path. */
export function createDatasetFile(path: string, { network, netuid }: DatasetHead): DatasetFile {
  const draft = `${path}.partial`;
  const writer = new ParquetWriter({
    writer: fileWriter(draft),
    schema: DATASET_SCHEMA,
    codec: "SNAPPY",
    createdBy: "zipnet",
    kvMetadata: [
      { key: KEYS.version, value: DATASET_VERSION },
      { key: KEYS.network, value: network },
      { key: KEYS.netuid, value: String(netuid) },
    ],
  });
  return {
    async write(rows) {
      const listings = rows.map(({ listing }) => {
        if (listing === undefined) throw new TypeError("a row without a listing");
        return listing;
      });
      const columnData = [
        ...COLUMNS.map((column) => ({
          name: column.element.name,
          data: listings.map((listing) => cellOf(listing, column)),
        })),
        ...OWN_COLUMNS.map((column) => ({ name: column.element.name, data: rows.map((row) => cellOf(row, column)) })),
      ];
      await writer.write({ columnData, rowGroupSize: ROW_GROUP_ROWS });
    },
    async finish() {
      await writer.finish();
      await rename(draft, path);
    },
    discard: () => rm(draft, { force: true }),
  };
}

/** A dataset file that was opened. */
export interface OpenedDataset {
  readonly head: DatasetHead;
  /** All rows, a row group in memory at a time. Rejects with FILE_UNREADABLE. */
  rows(): AsyncIterable<DatasetRow>;
}

/** Opens a dataset file. Rejects with FILE_UNREADABLE for what is none of this version, and where there is no file. */
export async function openDatasetFile(path: string): Promise<OpenedDataset> {
  try {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    const texts = new Map((metadata.key_value_metadata ?? []).map(({ key, value }) => [key, value]));
    const version = texts.get(KEYS.version);
    if (version !== DATASET_VERSION) {
      const found = version === undefined ? "is missing" : `is "${version}"`;
      throw unreadable(`the metadata ${KEYS.version}`, `${found}, but must be "${DATASET_VERSION}"`);
    }
    const head = { network: texts.get(KEYS.network) ?? "", netuid: Number(texts.get(KEYS.netuid)) };
    return { head, rows: () => rowsOf(file, metadata) };
  } catch (error) {
    if (error instanceof ZipnetError) throw error;
    throw unreadable(path, `is no dataset in Parquet (${messageOf(error)})`, error);
  }
}

async function* rowsOf(
  file: Awaited<ReturnType<typeof asyncBufferFromFile>>,
  metadata: Awaited<ReturnType<typeof parquetMetadataAsync>>,
): AsyncGenerator<DatasetRow> {
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    for (const cells of await parquetReadObjects({ file, metadata, rowStart, rowEnd })) {
      const row = create(DatasetRowSchema, { listing: listingOf(cells, rowStart) });
      fillFrom(cells, rowStart, row, OWN_COLUMNS);
      rowStart += 1;
      yield row;
    }
  }
}
