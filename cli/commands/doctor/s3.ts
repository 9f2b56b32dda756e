import Table from "cli-table3";
import { Command } from "commander";
import { systemClock } from "../../../adapters/clock/system-clock.js";
import { tryPins } from "../../../adapters/objects/pins/try-pins.js";
import { s3Objects } from "../../../adapters/objects/s3/s3-objects.js";
import { parseS3Url, type S3Settings } from "../../../adapters/objects/s3/s3-url.js";
import { parse, readSettings, setting } from "../../../adapters/settings/settings.js";
import { type PinFinding, remedyOf } from "../../../core/upload-pins.js";
import { addSettingFlags, mergedSettings } from "../../flags.js";

const SETTINGS = {
  objects: setting('The bucket, as the server has it: "s3://KEY:SECRET@host/bucket?region=...".', parse.text(), {
    secret: true,
  }),
};

const TIMEOUT_MS = 60_000;
const STATES = { held: "holds", not_held: "DOES NOT HOLD", unknown: "no clear answer" } as const;

/** What the owner reads of one finding. */
function rowOf({ pin, state, cases }: PinFinding): string[] {
  const tried = cases.map(({ what, answer, held }) => `${held === true ? " " : "!"} ${what}: ${answer}`);
  const remedy = { held: "", not_held: remedyOf(pin).text, unknown: "ask again" }[state];
  return [pin, STATES[state], tried.join("\n"), remedy];
}

/** The table, and one sentence on what it comes to. */
function pinsText({ endpoint, bucket }: S3Settings, findings: readonly PinFinding[]): string {
  const table = new Table({
    head: ["pin", "the service", "tried", "what zipnet does about it"],
    colWidths: [18, 17, 62, 44],
    wordWrap: true,
    style: { head: [], border: [] },
  });
  table.push(...findings.map(rowOf));
  return `${endpoint} bucket ${bucket}\n${table.toString()}\n${verdictOf(findings)}`;
}

function verdictOf(findings: readonly PinFinding[]): string {
  const named = (some: readonly PinFinding[]): string => some.map(({ pin }) => pin).join(", ");
  const gaps = findings.filter(({ state }) => state === "not_held");
  const open = gaps.filter(({ pin }) => !remedyOf(pin).isClosed);
  const unknown = findings.filter(({ state }) => state === "unknown");
  if (open.length > 0) return `Not fit for use: nothing makes up for ${named(open)}.`;
  if (unknown.length > 0) return `Not known: ${named(unknown)}.`;
  if (gaps.length > 0) return `Fit for use: zipnet makes up for ${named(gaps)}.`;
  return `Fit for use: the service holds all ${findings.length}.`;
}

/** Whether zipnet's promises are known to hold on the service. */
function isFit(findings: readonly PinFinding[]): boolean {
  return findings.every(({ pin, state }) => state === "held" || (state === "not_held" && remedyOf(pin).isClosed));
}

/** `zipnet doctor s3`: what an S3 service holds of what grants pin. Exit code 1 unless zipnet can work with it. */
export function s3Command(): Command {
  const command = new Command("s3").description(
    "tries every pin of a grant on a bucket, and prints which ones it holds",
  );
  return addSettingFlags(command, SETTINGS).action(async (flags: Record<string, string>) => {
    const settings = parseS3Url(readSettings(SETTINGS, mergedSettings(flags)).objects);
    const findings = await tryPins(s3Objects(settings, systemClock), systemClock, AbortSignal.timeout(TIMEOUT_MS));
    process.stdout.write(`${pinsText(settings, findings)}\n`);
    if (!isFit(findings)) process.exitCode = 1;
  });
}
