/**
 * Files as they are: plain or compressed, tables or catalogues. Never held in memory as a whole.
 */
import { createReadStream } from "node:fs";
import { open, readFile, stat } from "node:fs/promises";
import { Readable, pipeline } from "node:stream";
import { constants, createGunzip, gunzipSync } from "node:zlib";
import { messageOf } from "../../core/errors.js";
import { type TableRow, rowsIn } from "./delimited.js";

/** How much of a file is looked at to find out what it is. Headers are shorter. */
const HEAD_BYTES = 65_536;
const CHUNK_BYTES = 1_048_576;

/** What a file is, by its first bytes. */
export type FileHead =
  | { readonly form: "catalogue"; readonly sizeBytes: number }
  | {
      readonly form: "table";
      readonly sizeBytes: number;
      readonly isCompressed: boolean;
      readonly delimiter: "," | "\t";
      /** In lower case. */
      readonly columns: readonly string[];
    };

/** Looks at a file's first bytes. Rejects with an Error that names the file. */
export async function lookAt(path: string): Promise<FileHead> {
  const { head, sizeBytes } = await readHead(path);
  const isCompressed = head[0] === 0x1f && head[1] === 0x8b;
  const start = isCompressed ? gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH }) : head;
  if (isCatalogue(start)) {
    return { form: "catalogue", sizeBytes };
  }
  if (start[0] === 0xff && start[1] === 0xfe) {
    throw new Error(`${path} is in UTF-16; convert it first: iconv -f UTF-16 -t UTF-8`);
  }
  const line =
    start
      .toString("utf8")
      .replace(/^\uFEFF/, "")
      .split(/\r?\n/, 1)[0] ?? "";
  const delimiter = line.includes("\t") ? "\t" : ",";
  const columns = line.split(delimiter).map((name) =>
    name
      .trim()
      .replace(/^"(.*)"$/, "$1")
      .trim()
      .toLowerCase(),
  );
  return { form: "table", sizeBytes, isCompressed, delimiter, columns };
}

/** The first entry of a catalogue begins so, and in it its zip code: a tag, a length, a tag, 5, five digits. No text does. */
function isCatalogue(start: Buffer): boolean {
  if (start[0] !== 0x0a) return false;
  const at = [2, 3, 4].find((index) => start[index] === 0x0a && start[index + 1] === 5);
  return at !== undefined && /^\d{5}$/.test(start.toString("latin1", at + 2, at + 7));
}

async function readHead(path: string): Promise<{ head: Buffer; sizeBytes: number }> {
  try {
    const { size: sizeBytes } = await stat(path);
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      return { head: buffer.subarray(0, bytesRead), sizeBytes };
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new Error(`${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** A catalogue's bytes, unpacked where they are compressed. */
export async function readWhole(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path);
  return bytes[0] === 0x1f ? gunzipSync(bytes) : bytes;
}

/**
 * The rows of a table after its header, as many at a time as come together. onBytes is told how many bytes of the file
 * have been read, the compressed ones.
 */
export async function* rowsOf(
  path: string,
  head: FileHead & { form: "table" },
  onBytes: (bytesRead: number) => void,
): AsyncGenerator<readonly TableRow[]> {
  const file = countedBytes(path, onBytes);
  try {
    for await (const rows of rowsIn(head.isCompressed ? unpacked(file) : file, head.delimiter)) {
      yield rows[0]?.line === 1 ? rows.slice(1) : rows;
    }
  } catch (cause) {
    throw new Error(`${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

function unpacked(file: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const unpack = createGunzip({ chunkSize: CHUNK_BYTES });
  // What fails in the file ends the stream with the same error, which its reader gets.
  pipeline(Readable.from(file), unpack, () => {});
  return unpack;
}

async function* countedBytes(path: string, onBytes: (bytesRead: number) => void): AsyncGenerator<Buffer> {
  let bytesRead = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>) {
    bytesRead += chunk.length;
    onBytes(bytesRead);
    yield chunk;
  }
}
