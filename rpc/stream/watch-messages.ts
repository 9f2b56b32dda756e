/**
 * The messages of WatchEpochs, and where a stream starts. What is here holds for every stream, however it is written.
 */
import { type MessageInitShape, create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  StartMode,
  type WatchEpochsResponse,
  WatchEpochsResponseSchema,
} from "../../gen/zipnet/v1/epoch_service_pb.js";
import { ZipnetError } from "../../core/errors.js";
import { sha256Of } from "../../core/hash.js";
import type { Clock } from "../../core/ports.js";
import type { EpochLog, EpochLogEvent, PlacedEvent } from "../epoch-log/epoch-log.js";
import { envelope } from "./handover.js";
import type { ResumeTokens } from "./resume-token.js";

/** What the messages of all streams need. */
export interface WatchMessageOptions {
  readonly tokens: ResumeTokens;
  readonly clock: Clock;
  /** A stream that is quiet for this long gets a bookmark. 100 to 600,000. */
  readonly bookmarkIntervalMs: number;
  /** Drained clients come back spread over this time. 0 to 600,000. */
  readonly drainWindowMs: number;
}

/** What a message says. */
type Happened = NonNullable<MessageInitShape<typeof WatchEpochsResponseSchema>["event"]>;

/** A message whose token stands right after a revision. */
export function watchMessage(happened: Happened, revision: number, options: WatchMessageOptions): WatchEpochsResponse {
  return create(WatchEpochsResponseSchema, {
    resumeToken: options.tokens.encode(revision),
    serverTime: timestampFromMs(options.clock.now()),
    event: happened,
  });
}

/** The same, encoded and in its envelope: the bytes of every stream. */
export function watchFrame(happened: Happened, revision: number, options: WatchMessageOptions): Buffer {
  return envelope(toBinary(WatchEpochsResponseSchema, watchMessage(happened, revision, options)));
}

/** What a message says of an event. */
export function happenedBy(event: EpochLogEvent): Happened {
  return event.kind === "epoch" ? { case: "epoch", value: event.record } : { case: "closed", value: event.closed };
}

/** An event, and the revision that a token after it stands at. */
export interface PassedEvent extends PlacedEvent {
  readonly passedRevision: number;
}

/**
 * The first event after a revision; undefined when there is none up to `newest`.
 *
 * Up to the event that follows nothing happened, and nothing can any more, so the token stands right before that. A
 * token further back would ask a log that began here to vouch for what was before it began.
 *
 * @param newest newestRevision of the log, asked for before.
 */
export async function passNext(log: EpochLog, revision: number, newest: number): Promise<PassedEvent | undefined> {
  const placed = await log.next(revision);
  if (placed === undefined) return undefined;
  const following = await log.next(placed.revision);
  const passedRevision = following === undefined ? Math.max(placed.revision, newest) : following.revision - 1;
  return { ...placed, passedRevision };
}

/** Where a stream starts. */
export interface WatchStart {
  readonly mode: StartMode;
  /** Everything up to it has been dealt with. */
  readonly revision: number;
}

/** Where a stream without a token starts: everything before the previous epoch counts as dealt with. */
export function snapshotRevision(newest: number | undefined): number {
  return newest === undefined ? 0 : Math.max(0, 2 * (Math.floor(newest / 2) - 1) - 1);
}

/** Where a stream starts by its token; rejects with the four RESUME_TOKEN_* errors. */
export async function watchStart(log: EpochLog, token: Uint8Array, tokens: ResumeTokens): Promise<WatchStart> {
  if (token.length === 0) return { mode: StartMode.SNAPSHOT, revision: snapshotRevision(await log.newestRevision()) };
  const decoded = tokens.decode(token);
  switch (decoded.status) {
    case "ok":
      await assertInWindow(log, decoded.revision, tokens);
      return { mode: StartMode.RESUMED, revision: decoded.revision };
    case "malformed":
      throw new ZipnetError(
        "RESUME_TOKEN_MALFORMED",
        "the resume token is damaged or not one of ours; start without one",
      );
    case "foreign":
      throw new ZipnetError(
        "RESUME_TOKEN_FOREIGN",
        "the resume token is of another deployment: another network, netuid or server hotkey; start without one",
      );
    case "other_issuer":
      throw new ZipnetError(
        "RESUME_TOKEN_FOREIGN",
        "the resume token was made by a relay, or with a key that this server has retired; resume with the last token " +
          "of the server, or start without one",
      );
  }
}

async function assertInWindow(log: EpochLog, revision: number, tokens: ResumeTokens): Promise<void> {
  const newest = (await log.newestRevision(revision)) ?? 0;
  if (revision > newest) {
    throw new ZipnetError(
      "RESUME_TOKEN_FROM_FUTURE",
      `the resume token is at revision ${revision}, but this replica is at ${newest}; try again later or elsewhere`,
      { newest_revision: String(newest) },
    );
  }
  const oldest = await log.oldestRevision();
  if (revision >= oldest) return;
  throw new ZipnetError(
    "RESUME_TOKEN_TOO_OLD",
    `the resume token is at revision ${revision}, but only what came after ${oldest} is kept; start without one, or ` +
      `with the oldest token that works`,
    {
      oldest_revision: String(oldest),
      oldest_resume_token: Buffer.from(tokens.encode(oldest)).toString("base64"),
    },
  );
}

/** A place in the drain window that differs from caller to caller. */
export function drainDelayMs(caller: string, drainWindowMs: number): number {
  const hash = new DataView(sha256Of("zipnet-drain", caller).buffer).getUint32(0);
  return Math.floor((hash / 2 ** 32) * drainWindowMs);
}

/** How a drained stream ends, after its Drain. */
export function drainedError(): ZipnetError {
  return new ZipnetError("UNAVAILABLE", "this server is going down; come back after the delay of the Drain message");
}
