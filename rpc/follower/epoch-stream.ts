/**
 * One WatchEpochs stream as a follower reads it.
 */
import type { WatchEpochsResponse } from "../../gen/zipnet/v1/epoch_service_pb.js";
import type { Clients, Endpoint } from "../client/client.js";
import { fromConnectError } from "../errors.js";
import type { Failure, StreamEnding } from "./follower-model.js";
import type { FollowOptions } from "./follower-options.js";
import { nextOrSilence } from "./silence.js";

/** Silence of this many bookmark intervals means that the connection is dead. */
const SILENT_INTERVALS = 3;
/** Until the first message says what to expect. */
const FIRST_MESSAGE_MS = 30_000;

/** Why a stream, or what was to be done with its messages, failed. */
export class StreamFailure extends Error {
  override readonly name = "StreamFailure";

  constructor(
    readonly failure: Failure,
    cause: unknown,
  ) {
    super(failure, { cause });
  }
}

/** What a stream is opened with. */
interface StreamOpening {
  readonly endpoint: Endpoint;
  /** Number of the stream in this run, from 0. */
  readonly number: number;
  /** Empty for none. */
  readonly token: Uint8Array;
}

/** A stream. Opened by the first peek. */
export class EpochStream {
  readonly endpoint: Endpoint;
  readonly number: number;
  readonly token: Uint8Array;
  readonly #options: Pick<FollowOptions, "clock" | "observe" | "observeStream">;
  readonly #call = new AbortController();
  readonly #messages: AsyncIterator<WatchEpochsResponse>;
  #silenceMs = FIRST_MESSAGE_MS;
  #next: Promise<WatchEpochsResponse> | undefined;

  constructor(
    { endpoint, number, token }: StreamOpening,
    clients: Clients,
    options: Pick<FollowOptions, "clock" | "observe" | "observeStream">,
  ) {
    this.endpoint = endpoint;
    this.number = number;
    this.token = token;
    this.#options = options;
    const messages = clients.epochs.watchEpochs({ resumeToken: token }, { signal: this.#call.signal });
    this.#messages = messages[Symbol.asyncIterator]();
    options.observeStream?.({ endpoint: endpoint.url, stream: number, token, happened: "opened" });
  }

  /** The next message, the same one until it is taken. Rejects with StreamFailure when the stream ends or is silent. */
  peek(): Promise<WatchEpochsResponse> {
    this.#next ??= this.#read();
    // Whoever peeks may have turned to something else by the time that it fails.
    this.#next.catch(() => {});
    return this.#next;
  }

  /** Lets the next peek read on. */
  take(): void {
    this.#next = undefined;
  }

  /** Ends the call. */
  end(how: StreamEnding, error?: unknown): void {
    if (this.#call.signal.aborted) return;
    this.#call.abort();
    const { endpoint, number: stream, token } = this;
    const facts = { endpoint: endpoint.url, stream, token, happened: "ended", how } as const;
    this.#options.observeStream?.(error === undefined ? facts : { ...facts, error });
  }

  async #read(): Promise<WatchEpochsResponse> {
    const next = await nextOrSilence(this.#messages, this.#silenceMs, this.#options.clock).catch((error: unknown) => {
      throw new StreamFailure(failureOf(error), error);
    });
    if (next === "silent") throw new StreamFailure("silent", new Error(`nothing came for ${this.#silenceMs} ms`));
    if (next.done === true) throw new StreamFailure("unreachable", new Error("the stream ended"));
    const { event } = next.value;
    if (event.case === "started") this.#silenceMs = SILENT_INTERVALS * within(100, event.value.bookmarkIntervalMs);
    this.#options.observe?.({ endpoint: this.endpoint.url, stream: this.number, message: next.value });
    return next.value;
  }
}

/** Intervals of the contract end at ten minutes; a relay that says more must not put us to sleep for longer. */
export function within(atLeastMs: number, saidMs: number): number {
  return Math.min(600_000, Math.max(atLeastMs, saidMs));
}

function failureOf(error: unknown): Failure {
  const { reason } = fromConnectError(error);
  switch (reason) {
    case "RESUME_TOKEN_MALFORMED":
    case "RESUME_TOKEN_FOREIGN":
    case "RESUME_TOKEN_TOO_OLD":
      return "token_refused";
    case "RESUME_TOKEN_FROM_FUTURE":
      return "token_from_future";
    case "STREAM_STALLED":
      return "not_handled";
    default:
      return "unreachable";
  }
}
