/**
 * Merging what the honest miners of an epoch found: one row per listing, and how many say the same.
 */
import { type MessageInitShape, create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type DatasetRow, DatasetRowSchema } from "../../gen/zipnet/v1/dataset_pb.js";
import { type Listing, ListingSchema } from "../../gen/zipnet/v1/listing_pb.js";
import { sha256Hex } from "../hash.js";
import { byText } from "../judging/apportion.js";

/** A miner whose listings are merged. */
export interface Submitter {
  readonly hotkey: string;
  /** Whether it was spot checked and found honest. */
  readonly isVerified: boolean;
  /** The receipt's time, unix milliseconds. */
  readonly receivedMs: number;
  /** SHA-256 of the receipt record's payload bytes, hexadecimal. */
  readonly receiptSha256: string;
}

/** Rows of one listing that say the same. */
interface Version {
  /** Who stands for it: the first by `bySubmitter`. */
  submitter: Submitter;
  listing: Listing;
  verifiedMiners: number;
  miners: number;
}

/** Verified miners first, then by receipt, then by hotkey. */
function bySubmitter(a: Submitter, b: Submitter): number {
  return Number(b.isVerified) - Number(a.isVerified) || a.receivedMs - b.receivedMs || byText(a.hotkey, b.hotkey);
}

/** The version that most verified miners have, then the one that most miners have, then by who stands for it. */
function byBacking(a: Version, b: Version): number {
  return b.verifiedMiners - a.verifiedMiners || b.miners - a.miners || bySubmitter(a.submitter, b.submitter);
}

/**
 * What a listing says, as a hash. Left out is what a spot check does not compare either, since it is each reader's own:
 * url, days_on_market and scraped_time.
 */
function contentOf(listing: Listing): string {
  const { url: _url, daysOnMarket: _days, scrapedTime: _time, $typeName: _name, $unknown: _unknown, ...said } = listing;
  return sha256Hex(toBinary(ListingSchema, create(ListingSchema, said as MessageInitShape<typeof ListingSchema>)));
}

/** Merges an epoch's listings. The order in which they are added does not matter. */
export class EpochMerge {
  /** Per listing id its versions by content. */
  private readonly versions = new Map<string, Map<string, Version>>();

  constructor(private readonly epochId: string) {}

  /** Adds accepted listings of a miner. Of a miner every listing may be added once. */
  add(submitter: Submitter, listings: readonly Listing[]): void {
    for (const listing of listings) {
      const versions = this.versions.get(listing.listingId) ?? new Map<string, Version>();
      this.versions.set(listing.listingId, versions);
      const content = contentOf(listing);
      const version = versions.get(content) ?? { submitter, listing, verifiedMiners: 0, miners: 0 };
      version.miners += 1;
      if (submitter.isVerified) version.verifiedMiners += 1;
      if (bySubmitter(submitter, version.submitter) < 0) Object.assign(version, { submitter, listing });
      versions.set(content, version);
    }
  }

  /** One row per listing, ascending by zip code and listing id. */
  rows(): DatasetRow[] {
    const rows = [...this.versions.values()].map((byContent) => {
      const versions = [...byContent.values()].sort(byBacking);
      return this.rowOf(versions[0] as Version, versions);
    });
    const zipCodeOf = (row: DatasetRow): string => row.listing?.zipCode ?? "";
    const idOf = (row: DatasetRow): string => row.listing?.listingId ?? "";
    return rows.sort((a, b) => byText(zipCodeOf(a), zipCodeOf(b)) || byText(idOf(a), idOf(b)));
  }

  private rowOf({ submitter, listing, miners }: Version, all: readonly Version[]): DatasetRow {
    return create(DatasetRowSchema, {
      listing,
      epochId: this.epochId,
      hotkey: submitter.hotkey,
      receiptSha256: submitter.receiptSha256,
      receivedTime: timestampFromMs(submitter.receivedMs),
      isVerified: submitter.isVerified,
      miners: all.reduce((sum, version) => sum + version.miners, 0),
      agreeingMiners: miners,
    });
  }
}
