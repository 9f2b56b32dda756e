import assert from "node:assert/strict";
import { LossReason } from "../../gen/zipnet/v1/report_pb.js";
import { fileFacts } from "../../core/judging/row-facts.js";
import type { SubmittedFiles } from "../../core/ports.js";
import { listingFiles } from "./listing-files.js";
import { HEAD, plainListings } from "./listings.test-support.js";

/** What every reader of others' files keeps. */
export function submittedFilesContract(name: string, create: () => SubmittedFiles & { close?(): Promise<void> }): void {
  describe(`submitted files contract: ${name}`, () => {
    const files = create();
    after(() => files.close?.());
    const listings = plainListings(300);
    const content = listingFiles().encode(HEAD, listings);
    const startMs = 1_795_000_000_000;
    const context = { zipCode: HEAD.zipCode, isAssigned: true, startMs, receivedMs: startMs + 3_600_000 };

    it("reads all rows as they were written, and what the file says of itself", async () => {
      assert.deepEqual(await files.decode(content), { head: HEAD, listings });
    });

    it("checks each row by itself, in the file's order", async () => {
      const { head, rows, sound } = await files.check(content, context);
      assert.deepEqual(head, HEAD);
      assert.deepEqual({ rows, sound }, fileFacts(listings, context));
      assert.equal(rows[0]?.remark?.reason, LossReason.INCOMPLETE);
      const foreign = await files.check(content, { ...context, zipCode: "98101" });
      assert.deepEqual(new Set(foreign.rows.map((row) => row.remark?.reason)), new Set([LossReason.FOREIGN]));
      const late = await files.check(content, { ...context, receivedMs: startMs - 3_600_000 });
      assert.match(late.rows[7]?.remark?.detail ?? "", /after the receipt/);
    });

    it("reads a file without rows, and an id of any length and kind", async () => {
      const empty = await files.check(listingFiles().encode(HEAD, []), context);
      assert.deepEqual([empty.head, empty.rows, empty.sound.ids], [HEAD, [], []]);
      const odd = plainListings(2).map((listing, row) => ({ ...listing, listingId: "\u{1f3e0}\n".repeat(40 * row) }));
      const { rows } = await files.check(listingFiles().encode(HEAD, odd), context);
      assert.deepEqual(
        rows.map((row) => [row.listingId.length, row.remark?.reason]),
        [
          [0, LossReason.IMPLAUSIBLE],
          [20, LossReason.IMPLAUSIBLE],
        ],
      );
    });

    it("says of bytes that are no file that they are unreadable, why, and goes on", async () => {
      const reading = [files.check(content.subarray(0, 500), context), files.decode(content.subarray(0, 500))];
      for (const read of reading) {
        await assert.rejects(read, { name: "ZipnetError", reason: "FILE_UNREADABLE", message: /PAR1.*cut off/ });
      }
      assert.equal((await files.check(content, context)).rows.length, 300);
    });

    it("reads many files at the same time", async () => {
      const counts = Array.from({ length: 40 }, (_, count) => count);
      const read = await Promise.all(
        counts.map((count) => files.check(listingFiles().encode(HEAD, plainListings(count)), context)),
      );
      assert.deepEqual(
        read.map(({ rows }) => rows.length),
        counts,
      );
    });
  });
}
