/** Constraints of the requests of zipnet/v1's services. */
import {
  GetEpochRequestSchema,
  ListEpochsRequestSchema,
  WatchEpochsRequestSchema,
} from "../../gen/zipnet/v1/epoch_service_pb.js";
import {
  CreateDownloadGrantsRequestSchema,
  ExplainScoreRequestSchema,
  GetCalibrationRequestSchema,
  GetSnapshotRequestSchema,
  ListReportsRequestSchema,
  PublishReportRequestSchema,
} from "../../gen/zipnet/v1/judging_service_pb.js";
import { GetServerInfoRequestSchema } from "../../gen/zipnet/v1/server_info_service_pb.js";
import {
  CreateUploadGrantsRequestSchema,
  FinalizeSubmissionRequestSchema,
  GetSubmissionRequestSchema,
  ObjectSpecSchema,
  ReportProgressRequestSchema,
} from "../../gen/zipnet/v1/submission_service_pb.js";
import { anything, bytes, emptyOr, integer, list, required, text } from "./combinators.js";
import { epochId, hotkey, md5, objectBytes, sha256, zipCode } from "./common.js";
import { constraintsOn } from "./message.js";
import { signedRecord } from "./record.js";
import { progress } from "./submission.js";

const objectSpec = constraintsOn(ObjectSpecSchema, { zipCode, sizeBytes: objectBytes, md5, sha256 });

/** Every request, and the messages that only requests hold. */
export const requests = [
  constraintsOn(WatchEpochsRequestSchema, { resumeToken: bytes(0, 256) }),
  constraintsOn(GetEpochRequestSchema, { epochId: emptyOr(epochId), includeDecoded: anything() }),
  constraintsOn(ListEpochsRequestSchema, {
    pageSize: integer(0, 100),
    pageToken: text(0, 64),
    includeDecoded: anything(),
  }),
  constraintsOn(GetServerInfoRequestSchema, {}),
  objectSpec,
  constraintsOn(CreateUploadGrantsRequestSchema, {
    epochId,
    objects: list(1, 5_000, objectSpec.check),
    pageToken: text(0, 256),
    pageSize: integer(0, 5_000),
  }),
  constraintsOn(FinalizeSubmissionRequestSchema, { manifest: required(signedRecord.check) }),
  constraintsOn(ReportProgressRequestSchema, { progress: required(progress.check) }),
  constraintsOn(GetSubmissionRequestSchema, { epochId }),
  constraintsOn(GetSnapshotRequestSchema, { epochId }),
  constraintsOn(CreateDownloadGrantsRequestSchema, {
    epochId,
    hotkeys: list(0, 256, hotkey),
    pageSize: integer(0, 2_000),
    pageToken: text(0, 256),
  }),
  constraintsOn(PublishReportRequestSchema, { report: required(signedRecord.check) }),
  constraintsOn(ExplainScoreRequestSchema, { epochId, hotkey: emptyOr(hotkey), pageToken: text(0, 256) }),
  constraintsOn(GetCalibrationRequestSchema, { epochId }),
  constraintsOn(ListReportsRequestSchema, { epochId, pageSize: integer(0, 64), pageToken: text(0, 256) }),
] as const;
