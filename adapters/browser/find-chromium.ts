/**
 * Finding a Chromium on this machine.
 */
import { accessSync, constants } from "node:fs";
import { chromium } from "playwright";

const USUAL_PATHS = [
  "/usr/bin/chromium-headless-shell",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

/**
 * Path of a Chromium that can be started: the configured one, else the usual places, else the one that
 * `npx playwright install chromium` put there. Throws an Error that tells what to install when there is none, and when
 * the configured one cannot be started.
 */
export function findChromium(configuredPath?: string): string {
  if (configuredPath !== undefined) {
    if (canStart(configuredPath)) return configuredPath;
    throw new Error(
      `There is no program at ${configuredPath}, where ZIPNET_CHROMIUM says that Chromium is. Correct the setting or leave it out.`,
    );
  }
  const found = [...USUAL_PATHS, chromium.executablePath()].find(canStart);
  if (found !== undefined) return found;
  throw new Error(
    "Found no Chromium. Install one, either by `npx playwright install chromium-headless-shell` or by " +
      "`apt-get install chromium-headless-shell`, or set ZIPNET_CHROMIUM to the path of one.",
  );
}

function canStart(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
