/** Where explanations of a score come from: a server's answer, or records at hand. */
import { ZipnetError } from "../../core/errors.js";
import { explainScore } from "../../core/judging/explain.js";
import type { VerifySignature } from "../../core/ports.js";
import { openRecord } from "../../core/signed-record.js";
import { millisOf } from "../../core/timestamps.js";
import { type Epoch, EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import type { ScoreExplanation } from "../../gen/zipnet/v1/judging_service_pb.js";
import { ReportSchema } from "../../gen/zipnet/v1/report_pb.js";
import { ReceiptSchema, SnapshotSchema } from "../../gen/zipnet/v1/submission_pb.js";
import type { Clients } from "../../rpc/client/client.js";
import { fromConnectError } from "../../rpc/errors.js";
import type { RecordSource } from "../epochs/source.js";

/** Whose signatures count. */
export interface Trust {
  readonly verify: VerifySignature;
  readonly serverHotkey: string;
}

/** The record of an epoch, opened. Rejects with EPOCH_UNKNOWN. */
export async function openEpoch(
  source: Pick<RecordSource, "epoch" | "name">,
  epochId: string,
  { verify, serverHotkey }: Trust,
): Promise<Epoch> {
  const record = await source.epoch(epochId);
  if (record !== undefined) return openRecord(EpochSchema, record, verify, serverHotkey);
  throw new ZipnetError("EPOCH_UNKNOWN", `${source.name} has no epoch ${epochId}`);
}

/** Explanations by all reports that a source has, ascending by validator, every signature checked. */
export async function explainFromRecords(
  source: Pick<RecordSource, "snapshot" | "reports">,
  epoch: Epoch,
  hotkey: string,
  { verify, serverHotkey }: Trust,
): Promise<ScoreExplanation[]> {
  const record = await source.snapshot(epoch.id);
  const snapshot = record === undefined ? undefined : openRecord(SnapshotSchema, record, verify, serverHotkey);
  const receipt = snapshot?.receipts
    .map((each) => openRecord(ReceiptSchema, each, verify, serverHotkey))
    .find((each) => each.hotkey === hotkey);
  const receivedMs = receipt === undefined ? undefined : millisOf(receipt.receivedTime);
  const reports = (await source.reports(epoch.id)).map((each) => openRecord(ReportSchema, each, verify, each.signer));
  return reports
    .toSorted((a, b) => (a.validator < b.validator ? -1 : 1))
    .flatMap((report) => explainScore({ report, epoch, hotkey, receivedMs }) ?? []);
}

/** Explanations as a server gives them, page by page. Rejects with ZipnetError. */
export async function explainFromServer(
  { judging }: Pick<Clients, "judging">,
  epochId: string,
  hotkey: string,
  signal: AbortSignal,
): Promise<ScoreExplanation[]> {
  const found: ScoreExplanation[] = [];
  let pageToken = "";
  try {
    do {
      const page = await judging.explainScore({ epochId, hotkey, pageToken }, { signal });
      found.push(...page.explanations);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  } catch (error) {
    signal.throwIfAborted();
    throw fromConnectError(error);
  }
  return found;
}
