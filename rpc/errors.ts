/**
 * Errors on the wire: every reason has one gRPC status code, and travels with its facts as google.rpc.ErrorInfo.
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import { type ErrorReason, InvalidFieldsError, ZipnetError } from "../core/errors.js";

/** The `domain` of our google.rpc.ErrorInfo. */
const ERROR_DOMAIN = "zipnet";

const CODES: Readonly<Record<ErrorReason, Code>> = {
  INVALID_FIELD: Code.InvalidArgument,
  REQUEST_TOO_LARGE: Code.ResourceExhausted,
  DEADLINE_TOO_LONG: Code.InvalidArgument,
  UNAUTHENTICATED_CALL: Code.Unauthenticated,
  SIGNATURE_INVALID: Code.Unauthenticated,
  SESSION_INVALID: Code.Unauthenticated,
  BODY_ALTERED: Code.Unauthenticated,
  WRONG_RECEIVER: Code.Unauthenticated,
  CLOCK_DIFFERENCE: Code.Unauthenticated,
  REPLAYED_CALL: Code.Unauthenticated,
  NOT_REGISTERED: Code.PermissionDenied,
  ROLE_NOT_ALLOWED: Code.PermissionDenied,
  QUOTA_EXCEEDED: Code.ResourceExhausted,
  EPOCH_UNKNOWN: Code.NotFound,
  EPOCH_OPEN: Code.FailedPrecondition,
  EPOCH_CLOSED: Code.FailedPrecondition,
  RESUME_TOKEN_MALFORMED: Code.InvalidArgument,
  RESUME_TOKEN_FOREIGN: Code.FailedPrecondition,
  RESUME_TOKEN_TOO_OLD: Code.OutOfRange,
  RESUME_TOKEN_FROM_FUTURE: Code.Unavailable,
  STREAM_STALLED: Code.ResourceExhausted,
  ZIP_CODE_NOT_ASSIGNED: Code.InvalidArgument,
  WRONG_NONCE: Code.InvalidArgument,
  ALREADY_FINALIZED: Code.FailedPrecondition,
  OBJECT_MISSING: Code.FailedPrecondition,
  OBJECT_DIFFERS: Code.FailedPrecondition,
  UPLOAD_LIMIT_REACHED: Code.FailedPrecondition,
  RECORD_SIGNATURE_INVALID: Code.InvalidArgument,
  ALREADY_PUBLISHED: Code.FailedPrecondition,
  FILE_UNREADABLE: Code.InvalidArgument,
  SOURCE_BLOCKED: Code.FailedPrecondition,
  SOURCE_DISALLOWED: Code.FailedPrecondition,
  SOURCE_CHANGED: Code.FailedPrecondition,
  CHAIN_REJECTED: Code.FailedPrecondition,
  UNAVAILABLE: Code.Unavailable,
};

/** Violations that one error carries; its message says how many more there are. */
const MAX_VIOLATIONS = 20;

function isReason(text: string): text is ErrorReason {
  return Object.hasOwn(CODES, text);
}

/**
 * The error that goes to the caller. A ZipnetError keeps its message, reason and metadata; a ConnectError stays as it
 * is; anything else becomes INTERNAL and says nothing of its cause, which stays in `cause` for the log.
 */
export function toConnectError(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  if (!(error instanceof ZipnetError)) {
    return new ConnectError("internal error", Code.Internal, undefined, undefined, error);
  }
  const info = { reason: error.reason, domain: ERROR_DOMAIN, metadata: { ...error.metadata } };
  const result = new ConnectError(error.message, CODES[error.reason], undefined, undefined, error.cause);
  result.details.push({ desc: ErrorInfoSchema, value: info });
  if (error instanceof InvalidFieldsError) {
    info.metadata["message_type"] = error.typeName;
    // Details travel in a header, whose size clients limit.
    const fieldViolations = error.violations
      .slice(0, MAX_VIOLATIONS)
      .map(({ field, description }) => ({ field, description }));
    result.details.push({ desc: BadRequestSchema, value: { fieldViolations } });
  }
  return result;
}

/**
 * The error as the server meant it. What carries no reason of ours (a broken connection, a deadline, another server)
 * becomes UNAVAILABLE, with the original as its cause.
 */
export function fromConnectError(error: unknown): ZipnetError {
  if (error instanceof ZipnetError) return error;
  const received = ConnectError.from(error);
  const info = received.findDetails(ErrorInfoSchema).find((detail) => detail.domain === ERROR_DOMAIN);
  if (info === undefined || !isReason(info.reason)) {
    return new ZipnetError("UNAVAILABLE", received.message, { code: Code[received.code] }, { cause: error });
  }
  const [badRequest] = received.findDetails(BadRequestSchema);
  if (info.reason === "INVALID_FIELD" && badRequest !== undefined) {
    return new InvalidFieldsError(info.metadata["message_type"] ?? "", badRequest.fieldViolations);
  }
  return new ZipnetError(info.reason, received.rawMessage, info.metadata, { cause: error });
}
