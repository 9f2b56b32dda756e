/**
 * One WatchEpochs stream: a cursor that walks the log. There is no queue per stream; a slow client just reads later.
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { StartMode, type WatchEpochsResponse, WatchEpochsResponseSchema } from "../gen/zipnet/v1/epoch_service_pb.js";
import { ZipnetError } from "../core/errors.js";
import { sha256Of } from "../core/hash.js";
import type { Clock } from "../core/ports.js";
import type { EpochLog, EpochLogEvent, Ticket } from "./epoch-log.js";
import { decodeResumeToken, encodeResumeToken } from "./resume-token.js";

/** What one stream needs. */
export interface WatchOptions {
  readonly deployment: string;
  readonly bookmarkIntervalMs: number;
  readonly clock: Clock;
  readonly drainWindowMs: number;
  /** Rings when the process goes down. */
  readonly drained: Ticket;
  /** Hotkey of the caller; decides its place in the drain window. */
  readonly caller: string;
  /** The call's own signal. */
  readonly signal: AbortSignal;
}

type Happened = NonNullable<MessageInitShape<typeof WatchEpochsResponseSchema>["event"]>;

/** Where a stream starts. */
interface Start {
  readonly mode: StartMode;
  /** Everything up to it has been dealt with. */
  readonly revision: number;
}

/**
 * The messages of a stream; ends with the call's signal or after a Drain. Throws the four RESUME_TOKEN_* errors before
 * the first message.
 */
export async function* watchEpochs(
  log: EpochLog,
  token: Uint8Array,
  options: WatchOptions,
): AsyncGenerator<WatchEpochsResponse> {
  const { clock, signal, bookmarkIntervalMs } = options;
  const start = await startOf(log, token, options.deployment);
  let cursor = start.revision;
  let lastMessageMs = clock.now();
  const message = (event: Happened): WatchEpochsResponse => {
    lastMessageMs = clock.now();
    return create(WatchEpochsResponseSchema, {
      resumeToken: encodeResumeToken(options.deployment, cursor),
      serverTime: timestampFromMs(lastMessageMs),
      event,
    });
  };
  // Headers leave with the first message, so it goes out before anything is waited for.
  yield message({ case: "started", value: { mode: start.mode, bookmarkIntervalMs } });

  let hasCaughtUp = false;
  for (;;) {
    // Taken before reading: a change between reading and waiting has then rung already.
    const ticket = log.ticket();
    const newest = (await log.newestRevision()) ?? cursor;
    for (let placed = await log.next(cursor); placed !== undefined;) {
      if (signal.aborted) return;
      const following = await log.next(placed.revision);
      // Up to the event that follows nothing happened, and nothing can any more, so the token stands right before that.
      // A token further back would ask a log that began here to vouch for what was before it began.
      cursor = following === undefined ? Math.max(placed.revision, newest) : following.revision - 1;
      yield message(toWire(placed.event));
      placed = following;
    }
    cursor = Math.max(cursor, newest);
    if (!hasCaughtUp) {
      hasCaughtUp = true;
      yield message({ case: "caughtUp", value: {} });
    }
    const woken = await waitFor(ticket, lastMessageMs + bookmarkIntervalMs, options);
    if (woken === "aborted") return;
    if (woken === "quiet") yield message({ case: "bookmark", value: {} });
    if (woken === "drained") {
      yield message({ case: "drain", value: { reconnectDelayMs: drainDelayMs(options) } });
      return;
    }
  }
}

async function startOf(log: EpochLog, token: Uint8Array, deployment: string): Promise<Start> {
  if (token.length === 0) {
    const newest = await log.newestRevision();
    // Everything before the previous epoch counts as dealt with.
    const revision = newest === undefined ? 0 : Math.max(0, 2 * (Math.floor(newest / 2) - 1) - 1);
    return { mode: StartMode.SNAPSHOT, revision };
  }
  const decoded = decodeResumeToken(deployment, token);
  if (decoded.status === "malformed") {
    throw new ZipnetError(
      "RESUME_TOKEN_MALFORMED",
      "the resume token is damaged or not one of ours; start without one",
    );
  }
  if (decoded.status === "foreign") {
    const text = `the resume token is of another deployment than "${deployment}"; start without one`;
    throw new ZipnetError("RESUME_TOKEN_FOREIGN", text, { deployment });
  }
  await assertInWindow(log, decoded.revision, deployment);
  return { mode: StartMode.RESUMED, revision: decoded.revision };
}

async function assertInWindow(log: EpochLog, revision: number, deployment: string): Promise<void> {
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
      oldest_resume_token: Buffer.from(encodeResumeToken(deployment, oldest)).toString("base64"),
    },
  );
}

function toWire(event: EpochLogEvent): Happened {
  return event.kind === "epoch" ? { case: "epoch", value: event.record } : { case: "closed", value: event.closed };
}

type Woken = "rung" | "quiet" | "drained" | "aborted";

/** Waits for a change, the moment of the next bookmark, the drain or the end of the call; leaves nothing behind. */
async function waitFor(ticket: Ticket, bookmarkMs: number, options: WatchOptions): Promise<Woken> {
  const { clock, signal, drained } = options;
  const timer = new AbortController();
  const stops: (() => void)[] = [() => timer.abort()];
  try {
    return await new Promise<Woken>((resolve, reject) => {
      if (signal.aborted) return resolve("aborted");
      const onAbort = (): void => resolve("aborted");
      signal.addEventListener("abort", onAbort, { once: true });
      stops.push(() => signal.removeEventListener("abort", onAbort));
      stops.push(drained.onRing(() => resolve("drained")));
      stops.push(ticket.onRing(() => resolve("rung")));
      clock.sleepUntil(bookmarkMs, timer.signal).then(
        () => resolve("quiet"),
        (error: unknown) => {
          if (!timer.signal.aborted) reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  } finally {
    for (const stop of stops) stop();
  }
}

/** A place in the drain window that differs from caller to caller. */
function drainDelayMs({ caller, drainWindowMs }: WatchOptions): number {
  const hash = new DataView(sha256Of("zipnet-drain", caller).buffer).getUint32(0);
  return Math.floor((hash / 2 ** 32) * drainWindowMs);
}
