import Table from "cli-table3";
import { Command } from "commander";
import { systemClock } from "../../../adapters/clock/system-clock.js";
import { walletSettings } from "../../../adapters/settings/common-settings.js";
import { parse, readSettings, setting } from "../../../adapters/settings/settings.js";
import { loadSigner, verifySr25519 } from "../../../adapters/wallet/wallet.js";
import { ZipnetError } from "../../../core/errors.js";
import { openRecord } from "../../../core/signed-record.js";
import { EpochSchema } from "../../../gen/zipnet/v1/epoch_pb.js";
import { LossReason, MinerVerdict, type Report, ReportSchema } from "../../../gen/zipnet/v1/report_pb.js";
import { type Earnings, earningsOf, lossesByReason } from "../../../miner/inspect/earnings.js";
import { type Clients, createServerClients } from "../../../rpc/client/client.js";
import { fromConnectError } from "../../../rpc/errors.js";
import { addSettingFlags, mergedSettings } from "../../flags.js";

const SETTINGS = {
  serverUrl: setting("Address of the subnet's server; several are separated by commas.", parse.urls()),
  serverHotkey: setting("The server's hotkey: it receives our calls and signs epochs.", parse.hotkey()),
  network: setting("Chain network of the deployment (default local).", parse.text("local")),
  netuid: setting("Subnet of the deployment (default 1).", parse.integer({ min: 0, max: 65_535 }, 1)),
  ...walletSettings("The miner's hotkey"),
  limit: setting("How many epochs, the newest first, 1 to 100. Default 10.", parse.integer({ min: 1, max: 100 }, 10)),
  epoch: setting("Only this epoch, with every lost point. Default none.", parse.optionalText()),
};

/** Basis points as a person reads them: "12.34 %". */
const percent = (bps: number): string => `${(bps / 100).toFixed(2)} %`;
const reasonText = (reason: LossReason): string => LossReason[reason].toLowerCase().replaceAll("_", " ");

/** The newest epochs, or the one that is asked for. */
async function epochIds(
  clients: Pick<Clients, "epochs">,
  serverHotkey: string,
  limit: number,
  signal: AbortSignal,
): Promise<string[]> {
  const { epochs } = await clients.epochs.listEpochs({ pageSize: limit }, { signal });
  return epochs.flatMap(({ record }) =>
    record === undefined ? [] : [openRecord(EpochSchema, record, verifySr25519, serverHotkey).id],
  );
}

/** All reports on an epoch, signatures checked; none while it is open. */
async function reportsOn(clients: Pick<Clients, "judging">, epochId: string, signal: AbortSignal): Promise<Report[]> {
  const reports: Report[] = [];
  let pageToken = "";
  do {
    const page = await clients.judging.listReports({ epochId, pageToken }, { signal });
    for (const record of page.reports) reports.push(openRecord(ReportSchema, record, verifySr25519, record.signer));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return reports;
}

function weightText({ reports, weightBps, weightRangeBps: [least, most] }: Earnings): string {
  if (reports === 0) return "-";
  return least === most ? percent(weightBps) : `${percent(weightBps)} (${percent(least)} to ${percent(most)})`;
}

/** An epoch's row: what was earned, by which parts, and what was lost most. */
function rowOf(epochId: string, earnings: Earnings): string[] {
  const { score, reports, judgedBy } = earnings;
  const judged = `${judgedBy} of ${reports}`;
  if (score === undefined) return [epochId, judged, weightText(earnings), "", "", "", "", "", ""];
  const lost = lossesByReason(score.lost)
    .filter(({ lostBps }) => lostBps > 0)
    .slice(0, 3)
    .map(({ reason, lostBps }) => `${reasonText(reason)} ${percent(lostBps)}`);
  return [
    epochId,
    judged,
    weightText(earnings),
    score.rank === 0
      ? MinerVerdict[score.verdict].toLowerCase()
      : `${score.rank}, ${MinerVerdict[score.verdict].toLowerCase()}`,
    percent(score.scoreBps),
    percent(score.speedBps),
    percent(score.qualityBps),
    percent(score.volumeBps),
    lost.join(", "),
  ];
}

/** Every lost point of an epoch. */
function lossesText({ score }: Earnings): string {
  if (score === undefined) return "no report judges this miner";
  if (score.lost.length === 0) return "no point was lost";
  const table = new Table({
    head: ["lost", "why", "zip code", "listing", "what"],
    style: { head: [], border: [], compact: true },
  });
  for (const { reason, lostBps, zipCode, listingId, detail } of score.lost) {
    table.push([percent(lostBps), reasonText(reason), zipCode, listingId, detail]);
  }
  return table.toString();
}

/** What a miner earned in the newest epochs, or in one with every lost point, as a person reads it. Rejects as the calls. */
export async function historyText(
  clients: Pick<Clients, "epochs" | "judging">,
  settings: {
    readonly hotkey: string;
    readonly serverHotkey: string;
    readonly limit: number;
    readonly epoch: string | undefined;
  },
  signal: AbortSignal,
): Promise<string> {
  const { hotkey, epoch } = settings;
  const ids = epoch === undefined ? await epochIds(clients, settings.serverHotkey, settings.limit, signal) : [epoch];
  const head = ["epoch", "judged by", "weight", "rank", "score", "speed", "quality", "volume", "lost most by"];
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  let details = "";
  for (const id of ids) {
    const earnings = earningsOf(await reportsOn(clients, id, signal), hotkey);
    table.push(rowOf(id, earnings));
    if (epoch !== undefined) details = `\n${lossesText(earnings)}`;
  }
  return `miner ${hotkey}\n${table.toString()}${details}\n`;
}

/** `zipnet miner history`: what a miner earned per epoch, and why it was not more. */
export function historyCommand(signal: AbortSignal): Command {
  const command = new Command("history").description(
    "prints what a miner earned in the newest epochs by the validators' reports, and where it lost points",
  );
  return addSettingFlags(command, SETTINGS).action(async (flags: Record<string, string>) => {
    const settings = readSettings(SETTINGS, mergedSettings(flags));
    const { serverUrl, serverHotkey, network, netuid, limit, epoch } = settings;
    const signer = await loadSigner(settings);
    const clients = createServerClients(serverUrl, serverHotkey, { signer, network, netuid, clock: systemClock });
    try {
      process.stdout.write(await historyText(clients, { hotkey: signer.hotkey, serverHotkey, limit, epoch }, signal));
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof ZipnetError ? error : fromConnectError(error);
    } finally {
      clients.close();
    }
  });
}
