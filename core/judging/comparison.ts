/**
 * A submitted listing against what the source says of it now.
 */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { HomeType, type Listing, ListingStatus } from "../../gen/zipnet/v1/listing_pb.js";
import {
  type Evidence,
  EvidenceSchema,
  type FieldDifference,
  FieldDifferenceSchema,
  ListingVerdict,
} from "../../gen/zipnet/v1/report_pb.js";
import type { LookUp } from "../ports.js";
import type { SpotCheckCounts } from "./decision.js";
import { vaguenessMs } from "./row-checks.js";

/** How far two readings of one position may be apart, in degrees: about 20 metres. */
const POSITION_TOLERANCE_DEGREES = 0.0002;

/** Bathrooms come as fractions; two readings of one fraction may differ in the last binary digit. */
const BATHROOM_TOLERANCE = 0.001;

/** Id of the evidence on a listing. */
export function evidenceId(hotkey: string, zipCode: string, listingId: string): string {
  return `${hotkey}/${zipCode}/${listingId}`;
}

/** Judges one sampled listing by what the source answered. */
export function judgeListing(hotkey: string, zipCode: string, submitted: Listing, lookUp: LookUp): Evidence {
  return create(EvidenceSchema, {
    id: evidenceId(hotkey, zipCode, submitted.listingId),
    hotkey,
    submitted,
    url: lookUp.url.slice(0, 500),
    fetchedTime: timestampFromMs(lookUp.fetchedTimeMs),
    pageSha256: lookUp.pageSha256,
    httpStatus: lookUp.httpStatus,
    lookUps: 1,
    ...(lookUp.outcome === "found" ? { observed: lookUp.listing } : {}),
    ...findingOf(submitted, lookUp),
  });
}

function findingOf(submitted: Listing, lookUp: LookUp): Pick<Evidence, "verdict" | "differences" | "note"> {
  if (lookUp.outcome === "unreachable") {
    return {
      verdict: ListingVerdict.UNKNOWN,
      differences: [],
      note: `nothing can be said: ${lookUp.note}`.slice(0, 300),
    };
  }
  if (lookUp.outcome === "absent") {
    return { verdict: ListingVerdict.FAIL, differences: [], note: "the source does not have this listing" };
  }
  const differences = differencesBetween(submitted, lookUp.listing);
  if (differences.length === 0) {
    return { verdict: ListingVerdict.PASS, differences, note: "the source shows the listing as submitted" };
  }
  const fields = differences.map((difference) => difference.field).join(", ");
  if (differences.every((difference) => difference.mayHaveChanged)) {
    return { verdict: ListingVerdict.UNKNOWN, differences, note: `may have changed since it was scraped: ${fields}` };
  }
  return { verdict: ListingVerdict.FAIL, differences, note: `the source shows it differently: ${fields}` };
}

/**
 * The fields on which a submission and the source differ, in the order of Listing, each with whether an honest change
 * since the scraping explains it. A field that the submission leaves out is not compared: it cost completeness
 * already. Not compared either: url (each reader takes the source's own address), days_on_market and scraped_time
 * (they grow by themselves).
 */
function differencesBetween(submitted: Listing, observed: Listing): FieldDifference[] {
  const changes = honestChanges(submitted, observed);
  const never = false;
  const rows: readonly [
    field: string,
    submitted: unknown,
    observed: unknown,
    mayHaveChanged: boolean,
    tolerance?: number,
  ][] = [
    ["listing_id", submitted.listingId, observed.listingId, never],
    ["zip_code", submitted.zipCode, observed.zipCode, never],
    ["street_address", plain(submitted.streetAddress), plain(observed.streetAddress), never],
    ["city", plain(submitted.city), plain(observed.city), never],
    ["state", submitted.state, observed.state, never],
    ["status", ListingStatus[submitted.status], ListingStatus[observed.status], changes.status],
    ["home_type", HomeType[submitted.homeType], HomeType[observed.homeType], never],
    ["price_usd", submitted.priceUsd, observed.priceUsd, changes.price],
    ["bedrooms", submitted.bedrooms, observed.bedrooms, never],
    ["bathrooms", submitted.bathrooms, observed.bathrooms, never, BATHROOM_TOLERANCE],
    ["living_area_sqft", submitted.livingAreaSqft, observed.livingAreaSqft, never],
    ["lot_area_sqft", submitted.lotAreaSqft, observed.lotAreaSqft, never],
    ["latitude", submitted.latitude, observed.latitude, never, POSITION_TOLERANCE_DEGREES],
    ["longitude", submitted.longitude, observed.longitude, never, POSITION_TOLERANCE_DEGREES],
    ["tax_assessed_value_usd", submitted.taxAssessedValueUsd, observed.taxAssessedValueUsd, never],
    // A seller may change the broker at any time, and no source says when.
    ["broker_name", submitted.brokerName, observed.brokerName, true],
    ["price_changed_time", seconds(submitted.priceChangedTime), seconds(observed.priceChangedTime), changes.price],
  ];
  return rows
    .filter(([, one, other, , tolerance]) => one !== undefined && !same(one, other, tolerance ?? 0))
    .map(([field, one, other, mayHaveChanged]) =>
      create(FieldDifferenceSchema, { field, submitted: asText(one), observed: asText(other), mayHaveChanged }),
    );
}

/** Which changes since the scraping can be honest, by what the source itself says. */
function honestChanges(submitted: Listing, observed: Listing): { status: boolean; price: boolean } {
  const status = canBecome(submitted.status, observed.status);
  const scrapedMs = submitted.scrapedTime === undefined ? undefined : timestampMs(submitted.scrapedTime);
  const changedMs = observed.priceChangedTime === undefined ? undefined : timestampMs(observed.priceChangedTime);
  const changedSince =
    scrapedMs !== undefined && changedMs !== undefined && changedMs + vaguenessMs(changedMs) > scrapedMs;
  // A sold or withdrawn home shows another price than the one that was asked, without a change of price.
  return { status, price: changedSince || (status && submitted.status !== observed.status) };
}

/** Whether a listing can honestly go from one status to the other within hours. A closed sale is not reopened. */
function canBecome(from: ListingStatus, to: ListingStatus): boolean {
  const { FOR_SALE, FOR_RENT, SOLD, OFF_MARKET } = ListingStatus;
  if (from === to) return true;
  if (from === SOLD) return to === OFF_MARKET;
  const offered = (status: ListingStatus): boolean => status === FOR_SALE || status === FOR_RENT;
  return !(offered(from) && offered(to));
}

function same(one: unknown, other: unknown, tolerance: number): boolean {
  if (typeof one === "number" && typeof other === "number") return Math.abs(one - other) <= tolerance;
  return one === other;
}

/** Text without what different pages of one source may write differently: letter case and runs of spaces. */
function plain(text: string): string {
  return text.trim().replace(/\s+/g, " ").toUpperCase();
}

function seconds(time: Listing["priceChangedTime"]): number | undefined {
  return time === undefined ? undefined : Number(time.seconds);
}

function asText(value: unknown): string {
  return value === undefined ? "" : String(value).slice(0, 300);
}

/** Counts the verdicts of a miner's evidence. */
export function countVerdicts(evidence: readonly Evidence[]): SpotCheckCounts {
  const count = (verdict: ListingVerdict): number => evidence.filter((piece) => piece.verdict === verdict).length;
  return { pass: count(ListingVerdict.PASS), fail: count(ListingVerdict.FAIL), unknown: count(ListingVerdict.UNKNOWN) };
}
