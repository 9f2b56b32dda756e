import { existsSync } from "node:fs";
import { Command } from "commander";
import { createDatasetFile, type DatasetFile } from "../../../adapters/parquet/dataset-files.js";
import { listingFiles } from "../../../adapters/parquet/listing-files.js";
import { parse, readSettings, setting } from "../../../adapters/settings/settings.js";
import { readyCrypto, verifySr25519 } from "../../../adapters/wallet/wallet.js";
import { grouped } from "../../../core/constraints/show.js";
import { startMsOfEpochId } from "../../../core/epoch-time.js";
import type { Epoch } from "../../../gen/zipnet/v1/epoch_pb.js";
import { type EpochRows, type ExportOptions, readEpochRows } from "../../data/epoch-rows.js";
import { openObjects } from "../../data/open-objects.js";
import { storeSource } from "../../epochs/store-source.js";
import { epochIn } from "../../../core/verify-epoch.js";
import { addSettingFlags, mergedSettings } from "../../flags.js";

const SETTINGS = {
  objects: setting(
    'The server\'s object store: "folder:DIR", or "s3://KEY:SECRET@host/bucket?region=...".',
    parse.text(),
    {
      secret: true,
    },
  ),
  serverHotkey: setting("The server's hotkey, which must have signed the records.", parse.hotkey()),
  validator: setting(
    "Go by the report of this validator alone. Default what most of the stake that settled the epoch says.",
    parse.optionalHotkey(),
  ),
};

interface Flags {
  readonly out: string;
  readonly since: string | undefined;
  readonly verifiedOnly: boolean | undefined;
  readonly force: boolean | undefined;
}

function idOf(text: string): string {
  if (startMsOfEpochId(text) !== undefined) return text;
  throw new Error(`${JSON.stringify(text)} is no epoch id such as "20261122T120000Z"`);
}

/** The epochs to export, ascending: those that are named, and every settled one from a given one on. */
async function epochIdsOf(
  named: readonly string[],
  since: string | undefined,
  options: ExportOptions,
): Promise<string[]> {
  const ids = new Set(named.map(idOf));
  if (since !== undefined) {
    for (const record of await options.source.epochs(idOf(since), "~")) {
      const id = epochIn(record)?.id;
      if (id !== undefined && (await options.source.settlement(id)) !== undefined) ids.add(id);
    }
  }
  if (ids.size === 0) {
    throw new Error(since === undefined ? "name an epoch, or give --since" : `no epoch since ${since} is settled`);
  }
  return [...ids].sort();
}

function epochLine({ epoch, rows, miners, accepted }: EpochRows): string {
  const verified = miners.filter(({ isVerified }) => isVerified).length;
  const who = `${grouped(miners.length)} honest miners, ${grouped(verified)} of them verified`;
  return `${epoch.id}  ${grouped(rows.length)} listings out of ${grouped(accepted)} of ${who}`;
}

/** Writes the epochs one after the other; how many rows. */
async function exportEpochs(
  ids: readonly string[],
  out: string,
  options: ExportOptions,
  signal: AbortSignal,
): Promise<number> {
  let file: DatasetFile | undefined;
  let of: Pick<Epoch, "network" | "netuid"> | undefined;
  let count = 0;
  try {
    for (const id of ids) {
      const exported = await readEpochRows(id, options, signal);
      const { network, netuid } = exported.epoch;
      of ??= { network, netuid };
      if (of.network !== network || of.netuid !== netuid) {
        throw new Error(`epoch ${id} is of ${network}/${netuid}, but the first one of ${of.network}/${of.netuid}`);
      }
      file ??= createDatasetFile(out, of);
      await file.write(exported.rows);
      count += exported.rows.length;
      process.stdout.write(`${epochLine(exported)}\n`);
    }
    await file?.finish();
    return count;
  } catch (error) {
    await file?.discard();
    throw error;
  }
}

/** `zipnet data export`: closed epochs as one Parquet file. */
export function exportCommand(signal: AbortSignal): Command {
  const command = new Command("export")
    .description(
      "merges the accepted listings of the honest miners of settled epochs into one Parquet file, a row per listing and epoch",
    )
    .argument("[epochs...]", "epoch ids")
    .requiredOption("--out <file>", "the Parquet file to write")
    .option("--since <id>", "every settled epoch from this one on")
    .option("--verified-only", "only listings that a spot checked miner has")
    .option("--force", "replace the file where there is one");
  return addSettingFlags(command, SETTINGS).action(async (named: string[], flags: Flags & Record<string, string>) => {
    const { out, since, verifiedOnly, force, ...rest } = flags;
    const { objects: place, serverHotkey, validator } = readSettings(SETTINGS, mergedSettings(rest));
    if (existsSync(out) && force !== true) throw new Error(`${out} is there already; give --force to replace it`);
    await readyCrypto();
    const { name, objects } = await openObjects(place);
    const options = {
      objects,
      source: storeSource(name, objects),
      files: listingFiles(),
      verify: verifySr25519,
      serverHotkey,
      validator,
      onlyVerified: verifiedOnly === true,
    };
    const ids = await epochIdsOf(named, since, options);
    const count = await exportEpochs(ids, out, options, signal);
    process.stdout.write(`${out}: ${grouped(count)} rows\n`);
  });
}
