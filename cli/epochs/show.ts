/** Epochs as people read them. */
import { timestampDate } from "@bufbuild/protobuf/wkt";
import Table from "cli-table3";
import type { Difference } from "../../core/differences.js";
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import type { EpochVerdict } from "./verify.js";

/** An epoch with all of its zip codes. */
export function epochText(epoch: Epoch): string {
  const time = (timestamp: Epoch["startTime"]): string =>
    timestamp === undefined ? "?" : timestampDate(timestamp).toISOString();
  const table = new Table({
    head: ["zip code", "place", "state", "expected"],
    style: { head: [], border: [], compact: true },
  });
  for (const { zipCode, place, state, expectedListings } of epoch.zipCodes) {
    table.push([zipCode, place, state, String(expectedListings)]);
  }
  return [
    `epoch ${epoch.id} (number ${epoch.number}) of ${epoch.network}/${epoch.netuid}`,
    `  from ${time(epoch.startTime)} to ${time(epoch.closeTime)}`,
    `  ${epoch.zipCodes.length} zip codes expect ${epoch.expectedListings} listings; target ${epoch.rules?.targetListings}`,
    `  nonce ${epoch.nonce}, seeded by block ${epoch.seedBlock?.number} ${epoch.seedBlock?.hash}`,
    `  catalogue ${epoch.catalogueSha256}, ${epoch.selectionVersion}`,
    table.toString(),
  ].join("\n");
}

/** Differences that are printed one by one. */
const SHOWN_DIFFERENCES = 20;

/** Differences as a person reads them, as far as one reads on. */
export function differencesText(what: string, differences: readonly Difference[]): string[] {
  const more = differences.length - SHOWN_DIFFERENCES;
  return [
    `${what}: DIFFERS, ${differences.length} ${differences.length === 1 ? "thing is" : "things are"} not as they must be`,
    ...differences
      .slice(0, SHOWN_DIFFERENCES)
      .flatMap(({ field, expected, found }) => [`  ${field}`, `    expected  ${expected}`, `    found     ${found}`]),
    ...(more > 0 ? [`  ... and ${more} more; --json prints all of them`] : []),
  ];
}

/** A verdict: VERIFIED, UNDECIDED, or everything that differs, as far as a person reads on. */
export function verdictText(verdict: EpochVerdict): string {
  const { epochId, epoch, differences, submissions, notes } = verdict;
  const told = notes.map((note) => `  note: ${note}`);
  if (verdict.isUndecided) {
    return [
      `epoch ${epochId}: UNDECIDED, all but the zip codes is right`,
      "  they come out differently without the epochs that are missing here; read them where all of them are",
      ...told,
    ].join("\n");
  }
  if (differences.length > 0 || epoch === undefined) {
    return [...differencesText(`epoch ${epochId}`, differences), ...told].join("\n");
  }
  return [
    `epoch ${epochId}: VERIFIED`,
    `  block ${epoch.seedBlock?.number} of the chain is the first one at or after its start`,
    `  catalogue ${epoch.catalogueSha256} and the rules give the same ${epoch.zipCodes.length} zip codes, ${epoch.expectedListings} listings, and the same nonce`,
    submissions === undefined
      ? "  its snapshot is not here, or not for this caller, and was not looked at"
      : `  its snapshot is right: ${submissions} submissions in time, the sampling seeded by the block that follows`,
    ...told,
  ].join("\n");
}
