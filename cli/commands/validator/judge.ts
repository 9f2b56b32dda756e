import { join } from "node:path";
import { Command, Option } from "commander";
import { createLog } from "../../../adapters/log/pino-log.js";
import { filesInChildren } from "../../../adapters/parquet/children/files-in-children.js";
import { readSettings } from "../../../adapters/settings/settings.js";
import { folderState } from "../../../adapters/state/folder-state.js";
import { readyCrypto, verifySr25519 } from "../../../adapters/wallet/wallet.js";
import { SETTINGS } from "../../../validator/config.js";
import { tableOf } from "../../../validator/judge/publish.js";
import { type Replay, replayEpoch } from "../../../validator/judge/replay.js";
import { addSettingFlags, mergedSettings } from "../../flags.js";
import { tableText } from "../../scores/table-text.js";

const { stateDir, serverHotkey, concurrency, logFormat, logLevel } = SETTINGS;
/** A replay takes the validator's settings, but needs no others. */
const REPLAY_SETTINGS = { stateDir, serverHotkey, concurrency, logFormat, logLevel };

/** Nothing in here is given a way to open a connection. */
async function replay(epochId: string, flags: Record<string, string>, signal: AbortSignal): Promise<boolean> {
  const settings = readSettings(REPLAY_SETTINGS, mergedSettings(flags));
  const log = createLog("validator", { format: settings.logFormat, level: settings.logLevel });
  await readyCrypto();
  const files = filesInChildren({ atOnce: settings.concurrency, onDeath: (sentence) => log.warn({}, sentence) });
  const state = folderState(join(settings.stateDir, "state"));
  const from = { epochId, serverHotkey: settings.serverHotkey, state, files, verify: verifySr25519, log };
  try {
    const replayed = await replayEpoch(from, signal);
    process.stdout.write(`${tableText(replayed.table)}${replayText(replayed)}\n`);
    return replayed.report === undefined || replayed.isSame;
  } finally {
    await files.close();
  }
}

function replayText({ report, isSame, lookUps }: Replay): string {
  const missing = lookUps === 0 ? "" : `; ${lookUps} listings have no evidence here, so they count as unknown`;
  if (report === undefined) return `replayed; there is no report here to compare with${missing}`;
  if (isSame) return `replayed: the same report, byte for byte, as ${report.validator} signed`;
  return `replayed: NOT the report that ${report.validator} signed${missing}`;
}

/** `zipnet validator judge`: judges one closed epoch once, by hand. */
export function judgeCommand(signal: AbortSignal): Command {
  const command = new Command("judge")
    .description(
      "judges one closed epoch once; the settings are the validator's, which must not run with the same state folder meanwhile",
    )
    .argument("<epoch>", "id of the epoch")
    .addOption(new Option("--dry-run", "publish nothing"))
    .addOption(
      new Option(
        "--replay",
        "judge again from what the state folder holds, without any network; exit code 1 when it is not the report that was signed",
      ).conflicts("dryRun"),
    );
  return addSettingFlags(command, SETTINGS).action(
    async (epochId: string, flags: Record<string, string> & { dryRun?: true; replay?: true }) => {
      const { dryRun, replay: isReplay, ...settings } = flags;
      if (isReplay === true) {
        if (!(await replay(epochId, settings, signal))) process.exitCode = 1;
        return;
      }
      const { judgeOnce } = await import("../../../validator/main.js");
      const report = await judgeOnce(mergedSettings(settings), epochId, dryRun === true, signal);
      const told = dryRun === true ? "a dry run: nothing is published" : "the report is published";
      process.stdout.write(`${tableText(tableOf(report))}${told}\n`);
    },
  );
}
