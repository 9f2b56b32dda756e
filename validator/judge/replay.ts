/**
 * Judging an epoch again from what local state holds of it: records, files and evidence. Nothing is given to it by which
 * it could ask anybody, and it leaves the state as it is.
 */
import { toBinary } from "@bufbuild/protobuf";
import { ZipnetError } from "../../core/errors.js";
import type { LocalState, Log, LookUp, SubmittedFiles, VerifySignature } from "../../core/ports.js";
import { openRecord } from "../../core/signed-record.js";
import { type Report, ReportSchema, type ScoreTable } from "../../gen/zipnet/v1/report_pb.js";
import { type ClosedEpoch, openClosedEpoch } from "./closed-epoch.js";
import { judge, reportOf } from "./judge-epoch.js";
import { KeptFiles } from "./kept-files.js";
import { overlayState } from "./overlay-state.js";
import { workStore } from "./work-store.js";

/** What a replay needs: no clock, no signer, and no way to the outside. */
export interface ReplayOptions {
  readonly epochId: string;
  /** Must have signed the epoch and its snapshot. */
  readonly serverHotkey: string;
  readonly state: LocalState;
  readonly files: SubmittedFiles;
  readonly verify: VerifySignature;
  readonly log: Log;
}

/** What a replay came to. */
export interface Replay {
  readonly table: ScoreTable;
  /** The report that the state holds; undefined where the epoch was not judged to the end, or only tried. */
  readonly report: Report | undefined;
  /** Whether the judgement makes the same bytes as that report, but for its signature. */
  readonly isSame: boolean;
  /** Listings that would have had to be looked up, because no evidence on them is here. */
  readonly lookUps: number;
}

/** Judges the epoch again. Rejects with OBJECT_MISSING where the state does not hold what is needed. */
export async function replayEpoch(options: ReplayOptions, signal: AbortSignal): Promise<Replay> {
  const { epochId, serverHotkey, files, verify, log } = options;
  const state = overlayState(options.state);
  const work = workStore(state, epochId);
  const records = await work.records();
  if (records === undefined) throw notJudged(epochId);
  const closed = openClosedEpoch(records.epoch, records.snapshot, verify, serverHotkey);
  const kept = await KeptFiles.open(state, Number.MAX_SAFE_INTEGER);
  const outside = nobody(closed);
  // Whatever is not here is out of reach, and the judging period is over, so that nothing is waited for.
  const parts = { ...outside.parts, files, verify, log };
  const judgement = await judge({ parts, config: { concurrency: 1 }, closed, work, kept }, signal);
  const record = await work.report();
  const report = record === undefined ? undefined : openRecord(ReportSchema, record, verify, record.signer);
  const lookUps = outside.lookUps();
  if (report?.judgedTime === undefined || record === undefined)
    return { table: judgement.table, report: undefined, isSame: false, lookUps };
  const { network, netuid, validator, softwareVersion, judgedTime } = report;
  const again = reportOf(judgement, { epochId, network, netuid, validator, softwareVersion, judgedTime });
  const bytes = toBinary(ReportSchema, again);
  const isSame = bytes.length === record.payload.length && bytes.every((byte, at) => byte === record.payload[at]);
  return { table: judgement.table, report, isSame, lookUps };
}

function notJudged(epochId: string): ZipnetError {
  const text = `epoch ${epochId} was not judged with this state folder, or its files had to make room; it cannot be replayed`;
  return new ZipnetError("OBJECT_MISSING", text, { epoch_id: epochId });
}

/** An outside that is not there, at the end of the judging period. */
function nobody({ judgingEndMs, epoch }: ClosedEpoch) {
  const away = (): Promise<never> =>
    Promise.reject(new ZipnetError("UNAVAILABLE", "a replay asks nobody; it goes by what is stored"));
  const noOwner = (): Promise<never> =>
    Promise.reject(
      new ZipnetError("OBJECT_MISSING", `epoch ${epoch.id} was not judged here, so it cannot be replayed`),
    );
  let lookUps = 0;
  const seen = { url: "", fetchedTimeMs: judgingEndMs, httpStatus: 0, pageSha256: "" };
  const source = {
    lookUp: (): Promise<LookUp> => {
      lookUps += 1;
      return Promise.resolve({ ...seen, outcome: "unreachable", note: "a replay looks nothing up" });
    },
  };
  const nothing = async function* (): AsyncGenerator<never> {};
  const parts = {
    clock: { now: () => judgingEndMs, sleepUntil: away },
    source,
    chain: { metagraph: noOwner },
    transfer: { get: away },
    server: { downloadGrants: away, reports: nothing },
    signer: { hotkey: "" },
  };
  return { parts, lookUps: () => lookUps };
}
