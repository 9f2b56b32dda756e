/**
 * The status page as data, for scripts. Records are in the protobuf JSON form.
 */
import { toJson } from "@bufbuild/protobuf";
import { EpochSchema } from "../gen/zipnet/v1/epoch_pb.js";
import { ScoreTableSchema } from "../gen/zipnet/v1/report_pb.js";
import { ProgressSchema, ReceiptSchema } from "../gen/zipnet/v1/submission_pb.js";
import type { EpochView, MinerView, StatusView } from "./view.js";

function minerJson({ hotkey, progress, receipt }: MinerView): object {
  return {
    hotkey,
    progress: progress === undefined ? null : toJson(ProgressSchema, progress),
    receipt: receipt === undefined ? null : toJson(ReceiptSchema, receipt),
  };
}

function epochJson(view: EpochView | undefined): object | null {
  if (view === undefined) return null;
  return { epoch: toJson(EpochSchema, view.epoch), closed: view.closed, miners: view.miners.map(minerJson) };
}

/** The page's content as JSON text. */
export function renderStatusJson(view: StatusView): string {
  const { judged } = view;
  return JSON.stringify({
    serverTime: new Date(view.nowMs).toISOString(),
    network: view.network,
    netuid: view.netuid,
    serverHotkey: view.serverHotkey,
    softwareVersion: view.softwareVersion,
    current: epochJson(view.current),
    previous: epochJson(view.previous),
    judged:
      judged === undefined
        ? null
        : {
            epochId: judged.epochId,
            reports: judged.reports.map(({ validator, table }) => ({
              validator,
              table: table === undefined ? null : toJson(ScoreTableSchema, table),
            })),
          },
  });
}
