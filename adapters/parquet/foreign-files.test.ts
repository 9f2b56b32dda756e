import assert from "node:assert/strict";
import fc from "fast-check";
import { parquetMetadata } from "hyparquet";
import type { FileMetaData } from "hyparquet";
import { ByteWriter, parquetWriteBuffer } from "hyparquet-writer";
import { writeMetadata } from "hyparquet-writer/src/metadata.js";
import { ZipnetError } from "../../core/errors.js";
import type { SubmittedFiles } from "../../core/ports.js";
import { filesInChildren } from "./children/files-in-children.js";
import { listingFiles } from "./listing-files.js";
import { HEAD, plainListing, plainListings } from "./listings.test-support.js";
import { submittedFiles } from "./submitted-files.js";

const files = listingFiles();

async function assertUnreadable(reader: SubmittedFiles, content: Uint8Array, message?: RegExp): Promise<void> {
  await assert.rejects(
    reader.decode(content),
    (error) =>
      error instanceof ZipnetError && error.reason === "FILE_UNREADABLE" && (message?.test(error.message) ?? true),
  );
}

/** Decodes bytes that may or may not be a file; any failure must be FILE_UNREADABLE. */
async function decodeOrUnreadable(reader: SubmittedFiles, content: Uint8Array): Promise<"read" | "unreadable"> {
  try {
    await reader.decode(content);
    return "read";
  } catch (error) {
    if (error instanceof ZipnetError && error.reason === "FILE_UNREADABLE") return "unreadable";
    throw error;
  }
}

/** Nothing in these files can end a child: what is wrong with them is found before it can do harm. */
const READERS: readonly (readonly [where: string, create: () => SubmittedFiles & { close?(): Promise<void> }])[] = [
  ["in this process", submittedFiles],
  ["in children", () => filesInChildren({ atOnce: 1, onDeath: assert.fail })],
];

for (const [where, create] of READERS) {
  describe(`submitted files ${where}, made by somebody else`, () => {
    const reader = create();
    after(() => reader.close?.());
    const good = files.encode(HEAD, plainListings(300));

    it("says that a file that was cut off anywhere is unreadable", async () => {
      const cuts = fc.integer({ min: 0, max: good.length - 1 });
      await fc.assert(
        fc.asyncProperty(cuts, async (length) => assertUnreadable(reader, good.subarray(0, length))),
        { numRuns: 200 },
      );
    });

    it("answers changed bytes with rows or FILE_UNREADABLE, never otherwise", async () => {
      const changes = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
      let unreadable = 0;
      await fc.assert(
        fc.asyncProperty(changes, async (bytes) => {
          const changed = good.slice();
          for (const [offset, value] of bytes) changed[offset] = value;
          if ((await decodeOrUnreadable(reader, changed)) === "unreadable") unreadable += 1;
        }),
        { numRuns: 1_000 },
      );
      assert.ok(unreadable > 0);
    });

    it("answers changed footers with rows or FILE_UNREADABLE, never otherwise", async () => {
      const footerStart = good.length - 8 - new DataView(good.buffer).getUint32(good.length - 8, true);
      const changes = fc.array(fc.tuple(fc.integer({ min: footerStart, max: good.length - 9 }), fc.nat(255)), {
        minLength: 1,
        maxLength: 3,
      });
      await fc.assert(
        fc.asyncProperty(changes, async (bytes) => {
          const changed = good.slice();
          for (const [offset, value] of bytes) changed[offset] = value;
          await decodeOrUnreadable(reader, changed);
        }),
        { numRuns: 1_000 },
      );
    });

    it("says that bytes that are no file are unreadable, also between the right ends", async () => {
      await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), (bytes) => assertUnreadable(reader, bytes)));
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.nat(500), async (bytes, footerBytes) => {
          const content = new Uint8Array(bytes.length + 12);
          content.set([0x50, 0x41, 0x52, 0x31]);
          content.set(bytes, 4);
          new DataView(content.buffer).setUint32(bytes.length + 4, footerBytes, true);
          content.set([0x50, 0x41, 0x52, 0x31], bytes.length + 8);
          await assertUnreadable(reader, content);
        }),
      );
    });

    it("names what is wrong: size, rows, columns, types and metadata", async () => {
      await assertUnreadable(reader, new Uint8Array(64 * 1024 * 1024 + 1), /67108865 bytes/);
      await assertUnreadable(reader, written({}, { kvMetadata: [] }), /zipnet\.schema_version.*0 times/);
      await assertUnreadable(reader, written({ drop: "state" }), /19 columns/);
      await assertUnreadable(reader, written({ rename: ["state", "province"] }), /name province.*state/);
      await assertUnreadable(reader, written({ retype: ["price_usd", "INT64"] }), /type INT64.*price_usd/);
      await assertUnreadable(reader, written({ codec: "GZIP" }), /GZIP/);
      await assertUnreadable(reader, written({ values: ["status", "FOR_SALE"] }), /row 0, column status.*FOR_SALE/);
      await assertUnreadable(
        reader,
        written({ values: ["scraped_time", 300_000_000_000_000n] }),
        /column scraped_time/,
      );
      assert.equal(await decodeOrUnreadable(reader, written({})), "read");
    });

    it("refuses claims in the footer that the data does not keep", async () => {
      await assertUnreadable(
        reader,
        claiming((metadata) => ({ ...metadata, num_rows: 301n })),
        /301 rows.*300/,
      );
      const rowsOf = (rows: bigint) => (metadata: FileMetaData) => ({
        ...metadata,
        num_rows: rows,
        row_groups: metadata.row_groups.map((group) => ({
          ...group,
          num_rows: rows,
          columns: group.columns.map((column) => ({
            ...column,
            ...(column.meta_data && { meta_data: { ...column.meta_data, num_values: rows } }),
          })),
        })),
      });
      await assertUnreadable(reader, claiming(rowsOf(1_000_001n)), /1000001 rows/);
      await assertUnreadable(reader, claiming(rowsOf(1_000_000n)), /has 300 values, but 1000000 rows/);
      await assertUnreadable(reader, claiming(rowsOf(299n)), /299/);
      assert.equal(
        await decodeOrUnreadable(
          reader,
          claiming((metadata) => metadata),
        ),
        "read",
      );
    });

    /** The good file with another footer. */
    function claiming(change: (metadata: FileMetaData) => FileMetaData): Uint8Array {
      const footerStart = good.length - 8 - new DataView(good.buffer).getUint32(good.length - 8, true);
      const writer = new ByteWriter();
      writer.appendBytes(good.subarray(0, footerStart));
      writeMetadata(writer, change(parquetMetadata(good)));
      writer.appendUint32(0x31524150);
      return writer.getBytes().slice();
    }
  });
}

interface Odd {
  readonly drop?: string;
  readonly rename?: readonly [string, string];
  readonly retype?: readonly [string, "INT64"];
  readonly codec?: "GZIP";
  readonly values?: readonly [string, string | bigint];
}

/** A file by the library itself that is right but for one thing. */
function written(odd: Odd, more: { kvMetadata?: { key: string; value: string }[] } = {}): Uint8Array {
  const kept = parquetMetadata(files.encode(HEAD, [plainListing(1)]));
  const elements = kept.schema.slice(1).filter((element) => element.name !== odd.drop);
  const columnData = elements.map((element) => {
    const required = element.repetition_type === "REQUIRED";
    const usual =
      element.type === "BYTE_ARRAY"
        ? element.name === "status"
          ? "LISTING_STATUS_SOLD"
          : element.name === "home_type"
            ? "HOME_TYPE_LOT"
            : "x"
        : 1;
    const value = odd.values?.[0] === element.name ? odd.values[1] : required ? usual : null;
    return {
      name: odd.rename?.[0] === element.name ? odd.rename[1] : element.name,
      data: [odd.retype?.[0] === element.name ? 1n : value],
    };
  });
  const schema = elements.map((element) => ({
    ...element,
    name: odd.rename?.[0] === element.name ? odd.rename[1] : element.name,
    ...(odd.retype?.[0] === element.name && { type: odd.retype[1] }),
  }));
  return new Uint8Array(
    parquetWriteBuffer({
      columnData,
      schema: [{ name: "listing", num_children: schema.length }, ...schema].map(({ ...element }) => {
        if (odd.retype?.[0] === element.name && "converted_type" in element) delete element.converted_type;
        return element;
      }),
      ...(odd.codec && { codec: odd.codec, compressors: { GZIP: (bytes: Uint8Array) => bytes } }),
      kvMetadata: more.kvMetadata ?? kept.key_value_metadata ?? [],
    }),
  );
}
