/**
 * `zipnet site`: a listing site on this machine, for demos and tests.
 */
import { systemClock } from "../../clock/system-clock.js";
import { createLog } from "../../log/pino-log.js";
import { readSettings } from "../../settings/settings.js";
import { SETTINGS } from "./config.js";
import { csvHomes } from "./csv-homes.js";
import { generatedHomes } from "./generated-homes.js";
import { startSite } from "./server.js";

/** Serves until the signal is aborted. raw: settings by environment variable name. */
export async function main(raw: Readonly<Record<string, string | undefined>>, signal: AbortSignal): Promise<void> {
  const settings = readSettings(SETTINGS, raw);
  const log = createLog("site", { format: settings.logFormat, level: settings.logLevel });
  const homes = settings.homes === undefined ? generatedHomes(settings) : await csvHomes(settings.homes);
  const site = await startSite(
    {
      ...settings,
      host: settings.listenHost,
      port: settings.listenPort,
      homes,
      clock: systemClock,
      onPage: ({ path, disturbance }) => log.debug({ event: "page_asked", path, disturbance }, `asked for ${path}`),
    },
    signal,
  );
  log.info(
    { event: "listening", url: site.url, zip_codes: homes.zipCodes().length },
    `the listing site listens on ${site.url}`,
  );
  await site.closed;
}
