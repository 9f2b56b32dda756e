import { readFile } from "node:fs/promises";
import { Command } from "commander";
import { readSettings } from "../../../adapters/settings/settings.js";
import { verifySr25519 } from "../../../adapters/wallet/wallet.js";
import { messageOf } from "../../../core/errors.js";
import type { Pair } from "../../../core/judging/finding-diff.js";
import { diffReports } from "../../../core/judging/report-diff.js";
import { decodeRecord, openRecord } from "../../../core/signed-record.js";
import { type Report, ReportSchema } from "../../../gen/zipnet/v1/report_pb.js";
import { SOURCE_SETTINGS, type SourceSettings, openNamedSource } from "../../epochs/open-source.js";
import { addSettingFlags, mergedSettings } from "../../flags.js";
import { differenceText } from "../../scores/difference-text.js";

/** Reads the reports that are named by validators' hotkeys or by files, their signatures checked. */
async function readReports(
  names: Pair<string>,
  epochId: string,
  settings: SourceSettings,
  signal: AbortSignal,
): Promise<Pair<Report>> {
  const isHotkey = (name: string): boolean => /^5[1-9A-HJ-NP-Za-km-z]{47}$/.test(name);
  const source = names.some(isHotkey) ? await openNamedSource(settings, signal) : undefined;
  try {
    const records = (await source?.reports(epochId)) ?? [];
    const read = async (name: string): Promise<Report> => {
      const record = isHotkey(name)
        ? records.find(({ signer }) => signer === name)
        : decodeRecord(new Uint8Array(await fileOf(name)));
      if (record === undefined) throw new Error(`${source?.name} has no report of ${name} on epoch ${epochId}`);
      const report = openRecord(ReportSchema, record, verifySr25519, record.signer);
      if (report.epochId === epochId) return report;
      throw new Error(`${name} is a report on epoch ${report.epochId}, not on ${epochId}`);
    };
    return [await read(names[0]), await read(names[1])];
  } finally {
    source?.close();
  }
}

async function fileOf(path: string): Promise<Buffer> {
  return readFile(path).catch((cause: unknown) => {
    throw new Error(`${path} is no hotkey, and no file that can be read: ${messageOf(cause)}`, { cause });
  });
}

/** `zipnet report diff`: at which miner, check and listing two validators disagree, and how much weight it moved. */
export function diffCommand(signal: AbortSignal): Command {
  const command = new Command("diff")
    .description("says where two validators' reports on an epoch disagree. Exit code 1 when their tables differ")
    .argument("<first>", "hotkey of a validator, or a report's file")
    .argument("<second>", "hotkey of a validator, or a report's file")
    .argument("<epoch>", "id of the epoch");
  return addSettingFlags(command, SOURCE_SETTINGS).action(
    async (first: string, second: string, epochId: string, flags: Record<string, string>) => {
      const settings = readSettings(SOURCE_SETTINGS, mergedSettings(flags));
      const reports = await readReports([first, second], epochId, settings, signal);
      const difference = diffReports(...reports);
      process.stdout.write(differenceText(reports, difference));
      if (!difference.isSameTable) process.exitCode = 1;
    },
  );
}
