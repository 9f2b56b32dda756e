/**
 * The status page on the server's own port: what it shows is read from records, the cache and the metagraph.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { decodeCatalogue } from "../core/catalogue.js";
import { catalogueKey, receiptPrefix, reportPrefix } from "../core/object-keys.js";
import { decodeRecord } from "../core/signed-record.js";
import type { Epoch } from "../gen/zipnet/v1/epoch_pb.js";
import { type Report, ReportSchema } from "../gen/zipnet/v1/report_pb.js";
import { type Progress, type Receipt, ReceiptSchema } from "../gen/zipnet/v1/submission_pb.js";
import type { StoredEpoch } from "../rpc/epoch-log/epoch-log.js";
import type { EpochView, MinerView, Spot, StatusView } from "../web/view.js";
import type { ServerParts } from "./parts.js";
import { readProgress } from "./submissions.js";
import { SOFTWARE_VERSION } from "../core/version.js";

/** Epochs that are searched for reports, newest first. */
const JUDGED_LOOK_BACK = 6;

/** Reads everything that the page shows. */
export async function readStatusView(parts: ServerParts, signal: AbortSignal): Promise<StatusView> {
  const { clock, deployment, epochs, signer } = parts;
  const newest = await epochs.list(JUDGED_LOOK_BACK);
  const hotkeys = await registeredHotkeys(parts, signal);
  const [current, previous] = newest;
  return {
    nowMs: clock.now(),
    network: deployment.network,
    netuid: deployment.netuid,
    serverHotkey: signer.hotkey,
    softwareVersion: SOFTWARE_VERSION,
    current: current === undefined ? undefined : await epochView(parts, current, hotkeys),
    previous: previous === undefined ? undefined : await epochView(parts, previous, hotkeys),
    judged: await newestJudged(parts, newest),
    spots: current === undefined ? new Map() : await spotsOf(parts, current.epoch),
  };
}

/** The subnet's hotkeys; none while the chain is out of reach, as the page is worth showing without progress. */
async function registeredHotkeys({ chain, log }: ServerParts, signal: AbortSignal): Promise<string[]> {
  try {
    return (await chain.metagraph(signal)).neurons.map(({ hotkey }) => hotkey);
  } catch (err) {
    log.warn({ event: "status_without_chain", err }, "the status page shows no progress: the chain is out of reach");
    return [];
  }
}

function receivedMs({ receipt }: MinerView): number {
  return receipt?.receivedTime === undefined ? Number.MAX_SAFE_INTEGER : timestampMs(receipt.receivedTime);
}

/** Those with a receipt first, by its time; then the others by hotkey. */
function inPageOrder(miners: readonly MinerView[]): MinerView[] {
  return miners.toSorted((a, b) => receivedMs(a) - receivedMs(b) || (a.hotkey < b.hotkey ? -1 : 1));
}

async function epochView(parts: ServerParts, { epoch }: StoredEpoch, hotkeys: readonly string[]): Promise<EpochView> {
  const receipts = new Map<string, Receipt>();
  for await (const { key } of parts.objects.list(receiptPrefix(epoch.id))) {
    const bytes = await parts.objects.get(key);
    if (bytes === undefined) continue;
    const receipt = fromBinary(ReceiptSchema, decodeRecord(bytes).payload);
    receipts.set(receipt.hotkey, receipt);
  }
  const known = [...new Set([...receipts.keys(), ...hotkeys])];
  const progress = await progressOf(parts, epoch.id, known);
  const miners = known.map((hotkey) => ({
    hotkey,
    progress: progress.get(hotkey),
    receipt: receipts.get(hotkey),
  }));
  const active = miners.filter(({ progress, receipt }) => progress !== undefined || receipt !== undefined);
  const closed = (await parts.epochs.snapshot(epoch.id)) !== undefined;
  return { epoch, closed, miners: inPageOrder(active) };
}

/** What miners told last, by hotkey; nothing while the cache is out of reach, as with the chain. */
async function progressOf(
  { cache, log }: ServerParts,
  epochId: string,
  hotkeys: readonly string[],
): Promise<ReadonlyMap<string, Progress | undefined>> {
  try {
    const read = async (hotkey: string) => [hotkey, await readProgress(cache, epochId, hotkey)] as const;
    return new Map(await Promise.all(hotkeys.map(read)));
  } catch (err) {
    log.warn({ event: "status_without_cache", err }, "the status page shows no progress: the cache is out of reach");
    return new Map();
  }
}

async function newestJudged({ objects }: ServerParts, newest: readonly StoredEpoch[]): Promise<StatusView["judged"]> {
  for (const { epoch } of newest) {
    const reports: Report[] = [];
    for await (const { key } of objects.list(reportPrefix(epoch.id))) {
      const bytes = await objects.get(key);
      if (bytes !== undefined) reports.push(fromBinary(ReportSchema, decodeRecord(bytes).payload));
    }
    if (reports.length > 0) return { epochId: epoch.id, reports };
  }
  return undefined;
}

async function spotsOf({ catalogue, objects }: ServerParts, epoch: Epoch): Promise<Map<string, Spot>> {
  const spots = new Map<string, Spot>();
  const stored =
    epoch.catalogueSha256 === catalogue.sha256 ? undefined : await objects.get(catalogueKey(epoch.catalogueSha256));
  const { entries } = stored === undefined ? catalogue.catalogue : decodeCatalogue(stored);
  const drawn = new Set(epoch.zipCodes.map(({ zipCode }) => zipCode));
  for (const { zipCode, latitudeMicrodegrees, longitudeMicrodegrees } of entries) {
    // Both zero is the sea off Africa: how a catalogue says that it does not know.
    if (!drawn.has(zipCode) || (latitudeMicrodegrees === 0 && longitudeMicrodegrees === 0)) continue;
    spots.set(zipCode, { latitude: latitudeMicrodegrees / 1e6, longitude: longitudeMicrodegrees / 1e6 });
  }
  return spots;
}
