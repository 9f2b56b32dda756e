/**
 * Settings of the listing site.
 */
import { LOG_SETTINGS } from "../../settings/common-settings.js";
import { parse, setting } from "../../settings/settings.js";

/** Zip codes and numbers as written in the settings; undefined for what is not in the form. */
function readCrowdedZipCodes(text: string): ReadonlyMap<string, number> | undefined {
  const words = text.split(/[\s,]+/).filter((word) => word !== "");
  const pairs = words.map((word) => /^(\d{5})=([1-9]\d{0,4})$/.exec(word));
  return pairs.every((pair) => pair !== null)
    ? new Map(pairs.map(([, zipCode = "", count]) => [zipCode, Number(count)]))
    : undefined;
}

/** The shape of the settings, from which the command line makes its flags. */
export const SETTINGS = {
  listenHost: setting("Address to listen on (default 127.0.0.1).", parse.text("127.0.0.1")),
  listenPort: setting(
    "Port to listen on, 0 for any free one (default 8090).",
    parse.integer({ min: 0, max: 65_535 }, 8090),
  ),
  homes: setting("CSV file of homes to serve instead of made-up ones.", parse.optionalText()),
  seed: setting("Seed of the made-up homes and of the disturbances (default zipnet).", parse.text("zipnet")),
  churnPerHourBps: setting(
    "Ten-thousandths of the made-up homes that change price, leave or appear per hour, 0 to 10000 (default 10).",
    parse.integer({ min: 0, max: 10_000 }, 10),
  ),
  crowdedZipCodes: setting(
    'Zip codes with room for so many made-up homes, 1 to 99999 each, for example "33139=5000,10025=1200" (default none).',
    parse.custom<ReadonlyMap<string, number>>(
      'zip codes with numbers from 1 to 99999, as "33139=5000", separated by commas',
      readCrowdedZipCodes,
      new Map(),
    ),
  ),
  latencyMs: setting("Milliseconds to wait before every page (default 0).", parse.integer({ min: 0, max: 60_000 }, 0)),
  errorRateBps: setting(
    "Ten-thousandths of the pages that answer 500 or 503, in turn, 0 to 10000 (default 0).",
    parse.integer({ min: 0, max: 10_000 }, 0),
  ),
  limitedRateBps: setting(
    "Ten-thousandths of the pages that answer 429, 0 to 10000 (default 0).",
    parse.integer({ min: 0, max: 10_000 }, 0),
  ),
  retryAfterSeconds: setting(
    "Seconds that a 429 or 503 asks to be left alone by Retry-After, 0 to 86400, 0 for no such header (default 0).",
    parse.integer({ min: 0, max: 86_400 }, 0),
  ),
  challengeRateBps: setting(
    "Ten-thousandths of the pages that answer with a challenge, 0 to 10000 (default 0).",
    parse.integer({ min: 0, max: 10_000 }, 0),
  ),
  stallRateBps: setting(
    "Ten-thousandths of the pages that are never answered, 0 to 10000 (default 0).",
    parse.integer({ min: 0, max: 10_000 }, 0),
  ),
  truncatedRateBps: setting(
    "Ten-thousandths of the pages that are cut off, 0 to 10000 (default 0).",
    parse.integer({ min: 0, max: 10_000 }, 0),
  ),
  changedRateBps: setting(
    "Ten-thousandths of the pages that have other names in their data, as after a change of the site, 0 to 10000 (default 0).",
    parse.integer({ min: 0, max: 10_000 }, 0),
  ),
  changedAfterPages: setting(
    "Pages after which all have other names in their data, 0 to 1000000, 0 for never (default 0).",
    parse.integer({ min: 0, max: 1_000_000 }, 0),
  ),
  ...LOG_SETTINGS,
};
