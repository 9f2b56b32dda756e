/**
 * Reads what the demo ended with, from the places where everybody could read it: the server, the store, the chain and
 * the listing site itself.
 */
import { millisOf } from "../../core/timestamps.js";
import { fromJson } from "@bufbuild/protobuf";
import { fetchTransfer } from "../../adapters/transfer/fetch-transfer.js";
import { listingFiles } from "../../adapters/parquet/listing-files.js";
import { verifySr25519 } from "../../adapters/wallet/wallet.js";
import { openRecord } from "../../core/signed-record.js";
import { type Epoch, EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { type Listing, ListingSchema } from "../../gen/zipnet/v1/listing_pb.js";
import { type Report, ReportSchema } from "../../gen/zipnet/v1/report_pb.js";
import type { Clients } from "../../rpc/client/client.js";
import { sameListing } from "./checks.js";

/** Largest file that the demo reads. */
const MAX_FILE_BYTES = 67_108_864;

/** How long before it was read a row may have been shown by the site. */
const SHOWN_BEFORE_MS = [0, 50, 100, 200, 400, 800, 1600, 3200];

/** An epoch's record and reports, signatures checked. */
export async function readJudgement(
  clients: Clients,
  epochId: string,
  serverHotkey: string,
): Promise<{ readonly epoch: Epoch; readonly reports: readonly Report[] }> {
  const { record } = await clients.epochs.getEpoch({ epochId });
  if (record === undefined) throw new Error(`the server has no record of the epoch ${epochId}`);
  const { reports } = await clients.judging.listReports({ epochId });
  return {
    epoch: openRecord(EpochSchema, record, verifySr25519, serverHotkey),
    reports: reports.map((report) => openRecord(ReportSchema, report, verifySr25519, undefined)),
  };
}

/** The listings that the site showed for a zip code at a moment. */
async function shownListings(siteUrl: string, zipCode: string, timeMs: number): Promise<Map<string, Listing>> {
  const response = await fetch(`${siteUrl}/truth/${zipCode}.json?at=${timeMs}`);
  const listings = (await response.json()) as Parameters<typeof fromJson>[1][];
  const parsed = listings.map((listing) => fromJson(ListingSchema, listing));
  return new Map(parsed.map((listing) => [listing.listingId, listing]));
}

/** Remembers what the site showed, because many rows share a page and so a time. */
function siteMemory(siteUrl: string): (zipCode: string, timeMs: number) => Promise<Map<string, Listing>> {
  const known = new Map<string, Promise<Map<string, Listing>>>();
  return (zipCode, timeMs) => {
    const key = `${zipCode}@${timeMs}`;
    const answer = known.get(key) ?? shownListings(siteUrl, zipCode, timeMs);
    known.set(key, answer);
    return answer;
  };
}

/** How many uploaded rows there are, and which of them the site never showed like that. */
export interface UploadComparison {
  readonly rows: number;
  /** "zip code/listing id" of each row that differs. */
  readonly different: readonly string[];
}

/** Compares a miner's uploaded rows with what the site showed at the moment when they were read. */
export async function compareUploads(
  clients: Clients,
  epochId: string,
  hotkey: string,
  siteUrl: string,
  signal: AbortSignal,
): Promise<UploadComparison> {
  const { submissions } = await clients.judging.createDownloadGrants({ epochId, hotkeys: [hotkey] });
  const shown = siteMemory(siteUrl);
  const different: string[] = [];
  let rows = 0;
  for (const { url } of submissions.flatMap(({ grants }) => grants)) {
    const file = await listingFiles().decode(await fetchTransfer().get(url, MAX_FILE_BYTES, signal));
    for (const row of file.listings) {
      rows += 1;
      if (!(await wasShown(row, shown))) different.push(`${row.zipCode}/${row.listingId}`);
    }
  }
  return { rows, different };
}

async function wasShown(row: Listing, shown: ReturnType<typeof siteMemory>): Promise<boolean> {
  const readMs = millisOf(row.scrapedTime);
  for (const beforeMs of SHOWN_BEFORE_MS) {
    const listing = (await shown(row.zipCode, readMs - beforeMs)).get(row.listingId);
    if (listing !== undefined && sameListing(row, listing)) return true;
  }
  return false;
}
