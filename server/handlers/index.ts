/**
 * Table of contents: every RPC of the server and the file that answers it. EpochService is rpc's own.
 */
import type { ServiceImpl } from "@connectrpc/connect";
import type { JudgingService } from "../../gen/zipnet/v1/judging_service_pb.js";
import type { ServerInfoService } from "../../gen/zipnet/v1/server_info_service_pb.js";
import type { SubmissionService } from "../../gen/zipnet/v1/submission_service_pb.js";
import type { StreamLimits } from "../../rpc/serving/stream-limits.js";
import type { ServerParts } from "../parts.js";
import { createDownloadGrants } from "./create-download-grants.js";
import { createUploadGrants } from "./create-upload-grants.js";
import { explainScore } from "./explain-score.js";
import { finalizeSubmission } from "./finalize-submission.js";
import { getCalibration } from "./get-calibration.js";
import { getServerInfo } from "./get-server-info.js";
import { getSnapshot } from "./get-snapshot.js";
import { getSubmission } from "./get-submission.js";
import { listReports } from "./list-reports.js";
import { publishReport } from "./publish-report.js";
import { reportProgress } from "./report-progress.js";

/** Uploading, for miners. */
export function submissionService(parts: ServerParts): ServiceImpl<typeof SubmissionService> {
  return {
    createUploadGrants: createUploadGrants(parts),
    finalizeSubmission: finalizeSubmission(parts),
    reportProgress: reportProgress(parts),
    getSubmission: getSubmission(parts),
  };
}

/** Judging, for validators. */
export function judgingService(parts: ServerParts): ServiceImpl<typeof JudgingService> {
  return {
    getSnapshot: getSnapshot(parts),
    createDownloadGrants: createDownloadGrants(parts),
    publishReport: publishReport(parts),
    listReports: listReports(parts),
    explainScore: explainScore(parts),
    getCalibration: getCalibration(parts),
  };
}

/** What a caller must know first, for anyone. */
export function serverInfoService(parts: ServerParts, streams: StreamLimits): ServiceImpl<typeof ServerInfoService> {
  return { getServerInfo: getServerInfo(parts, streams) };
}
