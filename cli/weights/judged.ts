/**
 * What a validator has judged, from its own state folder.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { join } from "node:path";
import { folderState } from "../../adapters/state/folder-state.js";
import { ReportSchema } from "../../gen/zipnet/v1/report_pb.js";
import { savedReports } from "../../validator/judge/work-store.js";
import { knownEpochLength } from "../../validator/deployment.js";
import type { SettledTable } from "../../validator/weights/plan.js";
import { SettledTables } from "../../validator/weights/settled-tables.js";

/** Whose judgement is looked for. */
export interface Judge {
  readonly network: string;
  readonly netuid: number;
  readonly hotkey: string;
}

/**
 * The judgement in force at a moment. Rejects with an Error where the folder holds none, or holds another validator's.
 *
 * @param stateDir the validator's state folder.
 */
export async function judgementInForce(stateDir: string, judge: Judge, timeMs: number): Promise<SettledTable> {
  const state = folderState(join(stateDir, "state"));
  const [reports, epochLengthSeconds] = await Promise.all([savedReports(state), knownEpochLength(state)]);
  if (reports.length === 0 || epochLengthSeconds === undefined) {
    throw new Error(`${stateDir} holds no judgement; give the state folder of a validator that has judged an epoch`);
  }
  const tables = new SettledTables(epochLengthSeconds * 1_000);
  for (const { payload } of reports) {
    const { table, network, netuid, validator } = fromBinary(ReportSchema, payload);
    const is = `${validator} on ${network}/${netuid}`;
    const must = `${judge.hotkey} on ${judge.network}/${judge.netuid}`;
    if (is !== must) throw new Error(`${stateDir} holds judgements of ${is}, but the settings say ${must}`);
    if (table !== undefined) tables.add(table);
  }
  const inForce = tables.inForceAt(timeMs);
  if (inForce !== undefined) return inForce;
  throw new Error(`${stateDir} holds no judgement that is in force yet; one is at the end of the epoch after its own`);
}
