import assert from "node:assert/strict";
import { listingFiles } from "../../adapters/parquet/listing-files.js";
import { submittedFiles } from "../../adapters/parquet/submitted-files.js";
import { ZipnetError } from "../../core/errors.js";
import { NONCE, START_MS, exampleEpoch, exampleListings } from "../../core/judging/examples.test-support.js";
import { LossReason } from "../../gen/zipnet/v1/report_pb.js";
import type { Listing } from "../../gen/zipnet/v1/listing_pb.js";
import { type FileToSend, openFiles, previewSubmission } from "./preview.js";

const HOTKEY = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
const epoch = exampleEpoch();
const reader = submittedFiles();

function fileOf(zipCode: string, listings: readonly Listing[], over: { nonce?: string } = {}): FileToSend {
  const head = { epochId: epoch.id, nonce: NONCE, hotkey: HOTKEY, zipCode, ...over };
  return { name: `${zipCode}.parquet`, content: listingFiles().encode(head, listings) };
}

async function preview(files: readonly FileToSend[], nowMs = START_MS + 120_000) {
  const opened = await openFiles(files, reader);
  return { opened, ...(await previewSubmission({ epoch, hotkey: HOTKEY, files: opened.files, reader, nowMs })) };
}

describe("a preview of a submission", () => {
  it("finds nothing wrong with a complete one, and says what it would score now", async () => {
    const zipCodes = epoch.zipCodes.map(({ zipCode }) => zipCode);
    const files = zipCodes.map((zipCode) => fileOf(zipCode, exampleListings(zipCode, 20)));
    const { check, parts, missing } = await preview(files);
    assert.deepEqual([check.lie, check.findings, missing], [undefined, [], []]);
    assert.deepEqual(parts, {
      timeBps: 10_000,
      speedBps: 10_000,
      qualityBps: 10_000,
      volumeBps: 10_000,
      scoreBps: 10_000,
    });
    const late = await preview(files, START_MS + 30 * 86_400_000);
    assert.equal(late.parts.timeBps, 625, "after the close it counts as in its last moment");
  });

  it("tells what validators would not accept, row by row, and what is missing", async () => {
    const rows = exampleListings("98101", 5);
    const [first, second, third] = rows;
    assert(first !== undefined && second !== undefined && third !== undefined);
    second.listingId = first.listingId;
    third.priceUsd = 0;
    const { check, missing } = await preview([fileOf("98101", rows)]);
    assert.deepEqual(check.findings.map(({ reason }) => reason).toSorted(), [
      LossReason.IMPLAUSIBLE,
      LossReason.DUPLICATE,
    ]);
    assert.equal(check.accepted.get("98101")?.length, 3);
    assert.deepEqual(missing, ["02134", "98102"]);
  });

  it("tells what would be called a lie, and what nobody can read", async () => {
    const foreign = fileOf("98101", exampleListings("98101", 2), { nonce: "f".repeat(32) });
    const broken = { name: "broken.parquet", content: new TextEncoder().encode("PAR1 no") };
    const { check, opened } = await preview([foreign, broken]);
    assert.equal(check.lie?.reason, LossReason.WRONG_NONCE);
    assert.deepEqual(
      opened.unreadable.map(({ name }) => name),
      ["broken.parquet"],
    );
  });

  it("refuses two files of one zip code", async () => {
    const one = fileOf("98101", exampleListings("98101", 2));
    const error = await preview([one, { ...one, name: "again.parquet" }]).catch((thrown: unknown) => thrown);
    assert(error instanceof ZipnetError && error.reason === "INVALID_FIELD");
    assert.match(error.message, /98101\.parquet and again\.parquet are both of zip code 98101/);
  });
});
