/** The work on an epoch, for tests of what is done next. */
import { NO_PACE } from "./pace.js";
import { type EpochWork, UNTOUCHED, type ZipCodeWork } from "./plan.js";

/** Work that has just begun on these zip codes, one at a time; `more` changes it. */
export function sampleWork(
  times: Pick<EpochWork, "startMs" | "closeMs">,
  zipCodes: readonly (readonly [zipCode: string, own: Partial<ZipCodeWork>])[],
  more: Partial<EpochWork> = {},
): EpochWork {
  return {
    ...times,
    handInMs: undefined,
    awaitsRecord: false,
    concurrency: 1,
    zipCodes: new Map(zipCodes.map(([zipCode, own]) => [zipCode, { ...UNTOUCHED, ...own }])),
    expectedListings: new Map(),
    pace: NO_PACE,
    sourceStopped: undefined,
    isSourceChecked: true,
    changedInARow: 0,
    fruitlessInARow: 0,
    sourceNotBeforeMs: 0,
    failed: undefined,
    submission: "collecting",
    askForReceipt: false,
    failures: 0,
    notBeforeMs: 0,
    ...more,
  };
}
