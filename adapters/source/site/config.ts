/**
 * Settings of the listing site.
 */
import { LOG_SETTINGS } from "../../settings/common-settings.js";
import { parse, setting } from "../../settings/settings.js";

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
  latencyMs: setting("Milliseconds to wait before every page (default 0).", parse.integer({ min: 0, max: 60_000 }, 0)),
  errorRateBps: setting(
    "Ten-thousandths of the pages that answer 503, 0 to 10000 (default 0).",
    parse.integer({ min: 0, max: 10_000 }, 0),
  ),
  challengeRateBps: setting(
    "Ten-thousandths of the pages that answer with a challenge, 0 to 10000 (default 0).",
    parse.integer({ min: 0, max: 10_000 }, 0),
  ),
  ...LOG_SETTINGS,
};
