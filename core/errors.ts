/**
 * The one kind of error that is meant for whoever called: a person reads the message, a program reads the reason.
 */

/**
 * Reasons, as they stand in google.rpc.ErrorInfo on the wire. Each belongs to one gRPC status code (rpc/errors.ts).
 */
export type ErrorReason =
  // Requests
  | "INVALID_FIELD"
  | "REQUEST_TOO_LARGE"
  | "DEADLINE_TOO_LONG"
  | "UNAUTHENTICATED_CALL"
  | "SIGNATURE_INVALID"
  | "SESSION_INVALID"
  | "BODY_ALTERED"
  | "WRONG_RECEIVER"
  | "CLOCK_DIFFERENCE"
  | "REPLAYED_CALL"
  | "NOT_REGISTERED"
  | "ROLE_NOT_ALLOWED"
  | "QUOTA_EXCEEDED"
  // Epochs and tokens
  | "EPOCH_UNKNOWN"
  | "EPOCH_OPEN"
  | "EPOCH_CLOSED"
  | "RESUME_TOKEN_MALFORMED"
  | "RESUME_TOKEN_FOREIGN"
  | "RESUME_TOKEN_TOO_OLD"
  | "RESUME_TOKEN_FROM_FUTURE"
  | "STREAM_STALLED"
  // Submissions and reports
  | "ZIP_CODE_NOT_ASSIGNED"
  | "WRONG_NONCE"
  | "ALREADY_FINALIZED"
  | "OBJECT_MISSING"
  | "OBJECT_DIFFERS"
  | "UPLOAD_LIMIT_REACHED"
  | "RECORD_SIGNATURE_INVALID"
  | "ALREADY_PUBLISHED"
  // Files of listings
  | "FILE_UNREADABLE"
  // Sources of listings
  | "SOURCE_BLOCKED"
  | "SOURCE_DISALLOWED"
  | "SOURCE_CHANGED"
  // Chain
  | "CHAIN_REJECTED"
  // Anything outside that is out of reach just now
  | "UNAVAILABLE";

/** An error for the caller: names what is wrong, with which value, and what to do. */
export class ZipnetError extends Error {
  override readonly name = "ZipnetError";

  constructor(
    /** For programs. */
    readonly reason: ErrorReason,
    /** For people: what is wrong, with which value, and what to do. */
    message: string,
    /** Facts for programs, for example the server's time. Values are text. */
    readonly metadata: Readonly<Record<string, string>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What was thrown, in one sentence for people. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A rule that a field breaks. */
export interface FieldViolation {
  /** Path of the field, for example "objects[3].zip_code". */
  readonly field: string;
  /** The value, shortened, and the rule: `is "9810", but must be five digits`. */
  readonly description: string;
}

/** Violations that an error's text names; a person reads no more, and headers carry no more. */
const NAMED_VIOLATIONS = 20;

/** A message whose fields break rules. `violations` has all of them, the text the first 20 and how many follow. */
export class InvalidFieldsError extends ZipnetError {
  constructor(
    /** Full name of the message. */
    readonly typeName: string,
    readonly violations: readonly FieldViolation[],
  ) {
    const named = violations.slice(0, NAMED_VIOLATIONS).map(({ field, description }) => `${field} ${description}`);
    const more = violations.length - named.length;
    super("INVALID_FIELD", named.join("; ") + (more > 0 ? `; and ${more} more` : ""));
  }
}
