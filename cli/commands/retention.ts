import { Command } from "commander";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { parse, readSettings, setting } from "../../adapters/settings/settings.js";
import { readyCrypto, verifySr25519 } from "../../adapters/wallet/wallet.js";
import { grouped } from "../../core/constraints/show.js";
import { epochNumberAt } from "../../core/epoch-time.js";
import { ZipnetError } from "../../core/errors.js";
import type { RetentionOutcome, RetentionRule } from "../../core/ports.js";
import { leastKeepDays, retentionRule } from "../../core/retention.js";
import { openRecord } from "../../core/signed-record.js";
import { millisOf } from "../../core/timestamps.js";
import { EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { type NamedObjects, openObjects } from "../data/open-objects.js";
import { storeSource } from "../epochs/store-source.js";
import { addSettingFlags, mergedSettings } from "../flags.js";

const SETTINGS = {
  objects: setting(
    'The server\'s object store: "folder:DIR", or "s3://KEY:SECRET@host/bucket?region=...".',
    parse.text(),
    { secret: true },
  ),
  serverHotkey: setting("The server's hotkey, which must have signed the epochs.", parse.hotkey()),
  keepDataDays: setting(
    "Days after which uploaded listings are deleted; 0 for never.",
    parse.integer({ min: 0, max: 36_500 }),
  ),
};

/** The rule as of the newest epoch in the store. Rejects with EPOCH_UNKNOWN where there is none. */
async function ruleFor(
  { name, objects }: NamedObjects,
  serverHotkey: string,
  keepDays: number,
): Promise<RetentionRule> {
  const record = await storeSource(name, objects).epoch("");
  if (record === undefined)
    throw new ZipnetError("EPOCH_UNKNOWN", `${name} holds no epoch, so nothing is to be deleted`);
  const { number, startTime, closeTime } = openRecord(EpochSchema, record, verifySr25519, serverHotkey);
  const lengthSeconds = (millisOf(closeTime) - millisOf(startTime)) / 1000;
  const least = leastKeepDays(lengthSeconds);
  if (keepDays !== 0 && keepDays < least) {
    throw new Error(
      `--keep-data-days is ${keepDays}, but must be 0 or ${least} at least with epochs of ${lengthSeconds} seconds`,
    );
  }
  return retentionRule(keepDays, lengthSeconds, Math.min(number, epochNumberAt(systemClock.now(), lengthSeconds)));
}

function outcomeText(name: string, outcome: RetentionOutcome, keepDays: number, dryRun: boolean): string {
  if (outcome.kind === "lifecycle") {
    const rule = keepDays === 0 ? "no rule of ours" : `the rule to expire data/ after ${keepDays} days`;
    if (!outcome.changes) return `${name} has ${rule} already`;
    return dryRun ? `${name} would get ${rule}` : `${name} has ${rule} now`;
  }
  const { epochs } = outcome;
  const lines = epochs.map(
    ({ epochId, objects, bytes }) => `${epochId}  ${grouped(objects)} files, ${grouped(bytes)} bytes`,
  );
  const sum = epochs.reduce((total, { bytes }) => total + bytes, 0);
  const what = `the listings of ${grouped(epochs.length)} epochs, ${grouped(sum)} bytes`;
  return [...lines, dryRun ? `${name}: ${what}, would be deleted` : `${name}: ${what}, are deleted`].join("\n");
}

function retentionAction(name: string, description: string, dryRun: boolean): Command {
  const command = addSettingFlags(new Command(name).description(description), SETTINGS);
  return command.action(async (flags: Record<string, string>) => {
    const { objects: place, serverHotkey, keepDataDays } = readSettings(SETTINGS, mergedSettings(flags));
    await readyCrypto();
    const opened = await openObjects(place);
    const rule = await ruleFor(opened, serverHotkey, keepDataDays);
    const outcome = await opened.retention.apply(rule, dryRun);
    process.stdout.write(`${outcomeText(opened.name, outcome, keepDataDays, dryRun)}\n`);
  });
}

/** `zipnet retention`: how long uploaded listings are kept. */
export function retentionCommand(): Command {
  return new Command("retention")
    .description("how long uploaded listings are kept; records are kept for ever")
    .addCommand(retentionAction("plan", "tells what a rule would delete, and changes nothing", true))
    .addCommand(
      retentionAction(
        "apply",
        "deletes what is older, in a folder; in a bucket, sets the lifecycle rule that does",
        false,
      ),
    );
}
