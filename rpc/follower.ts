/**
 * Follows the epochs through every interruption: reconnects, changes endpoints, resumes from the last token, checks
 * every record, and delivers every event once and in order.
 */
import { EpochSchema } from "../gen/zipnet/v1/epoch_pb.js";
import type { WatchEpochsResponse } from "../gen/zipnet/v1/epoch_service_pb.js";
import { ZipnetError, messageOf } from "../core/errors.js";
import { openRecord } from "../core/signed-record.js";
import { type Clients, createClients } from "./client.js";
import { fromConnectError } from "./errors.js";
import type { FollowOptions, FollowedEvent, SeenMessage } from "./follower-options.js";
import { type Failure, type FollowerInput, INITIAL_STATE, nextStep } from "./follower-state.js";
import { nextOrSilence } from "./silence.js";

export type { FollowOptions, FollowedEvent, SeenMessage, SeenStream } from "./follower-options.js";

/** Follows until the signal is aborted; resolves then. Rejects only when tokens.load rejects. */
export async function followEpochs(options: FollowOptions, signal: AbortSignal): Promise<void> {
  if (options.endpoints.length === 0) throw new TypeError("there is no endpoint to follow epochs from");
  await new Follower(options, signal).run();
}

/** Silence of this many bookmark intervals means that the connection is dead. */
const SILENT_INTERVALS = 3;
/** Until the first message says what to expect. */
const FIRST_MESSAGE_MS = 30_000;

/** How a stream ended, and with which error. */
interface StreamEnd {
  readonly input: Extract<FollowerInput, { kind: "failed" | "drained" }>;
  readonly error?: unknown;
}

class Follower {
  readonly #options: FollowOptions;
  readonly #signal: AbortSignal;
  /** One connection per endpoint. */
  readonly #clients = new Map<number, Clients>();
  #state = INITIAL_STATE;
  #streams = 0;
  #token: Uint8Array = new Uint8Array();
  /**
   * Numbers of the last epoch and the last close that were dealt with in this run. Two, because closes are not signed: a
   * relay that makes them up must not get epochs dropped.
   */
  readonly #last = { epoch: -1, closed: -1 };

  constructor(options: FollowOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    const { clock } = this.#options;
    this.#token = (await this.#options.tokens.load()) ?? new Uint8Array();
    try {
      let input: FollowerInput = { kind: this.#signal.aborted ? "stop" : "start" };
      for (;;) {
        const action = this.#step(input);
        if (action.kind === "stop") return;
        if (action.kind === "wait") {
          if (action.dropToken) this.#token = new Uint8Array();
          await clock.sleepUntil(action.untilMs, this.#signal).catch(() => {});
          input = { kind: "waited" };
        } else if (action.kind === "connect") {
          input = await this.#stream(action.endpoint);
        }
        if (this.#signal.aborted) input = { kind: "stop" };
      }
    } finally {
      for (const clients of this.#clients.values()) clients.close();
    }
  }

  #step(input: FollowerInput): ReturnType<typeof nextStep>["action"] {
    const { clock, random, endpoints } = this.#options;
    const step = nextStep(this.#state, input, {
      nowMs: clock.now(),
      random: random(),
      endpointCount: endpoints.length,
    });
    this.#state = step.state;
    return step.action;
  }

  /** One stream, to its end; answers how it ended. */
  async #stream(index: number): Promise<FollowerInput> {
    const { observeStream, endpoints } = this.#options;
    const seen = { endpoint: endpoints[index]?.url ?? "", stream: this.#streams, token: this.#token };
    this.#streams += 1;
    observeStream?.({ ...seen, happened: "opened" });
    const ended = await this.#streamTo(index, seen);
    if (observeStream === undefined) return ended.input;
    const how = this.#signal.aborted ? "stopped" : ended.input.kind === "failed" ? ended.input.failure : "drained";
    observeStream({ ...seen, happened: "ended", how, ...("error" in ended ? { error: ended.error } : {}) });
    return ended.input;
  }

  async #streamTo(index: number, seen: Omit<SeenMessage, "message">): Promise<StreamEnd> {
    const call = new AbortController();
    const onStop = (): void => call.abort();
    this.#signal.addEventListener("abort", onStop, { once: true });
    try {
      const clients = this.#clientsOf(index);
      const messages = clients.epochs.watchEpochs({ resumeToken: this.#token }, { signal: call.signal });
      const iterator = messages[Symbol.asyncIterator]();
      let silenceMs = FIRST_MESSAGE_MS;
      for (;;) {
        const next = await nextOrSilence(iterator, silenceMs, this.#options.clock);
        if (next === "silent") return this.#failed(index, "silent", new Error(`nothing came for ${silenceMs} ms`));
        if (next.done === true) return this.#failed(index, "unreachable", new Error("the stream ended"));
        this.#options.observe?.({ endpoint: seen.endpoint, stream: seen.stream, message: next.value });
        const { event } = next.value;
        if (event.case === "started") silenceMs = SILENT_INTERVALS * within(100, event.value.bookmarkIntervalMs);
        if (event.case === "drain") {
          return { input: { kind: "drained", delayMs: within(0, event.value.reconnectDelayMs) } };
        }
        const failed = await this.#dealWith(next.value, index);
        if (failed !== undefined) return failed;
      }
    } catch (error) {
      return this.#failed(index, failureOf(error), error);
    } finally {
      this.#signal.removeEventListener("abort", onStop);
      call.abort();
    }
  }

  async #dealWith(message: WatchEpochsResponse, index: number): Promise<StreamEnd | undefined> {
    if (message.event.case === "started") return undefined;
    let event: FollowedEvent | undefined;
    try {
      event = this.#checked(message);
    } catch (error) {
      return this.#failed(index, "bad_record", error);
    }
    this.#step({ kind: "progressed" });
    try {
      if (event !== undefined) await this.#deliver(event);
      this.#token = message.resumeToken;
      await this.#options.tokens.save(message.resumeToken);
    } catch (error) {
      return this.#failed(index, "not_handled", error);
    }
    return undefined;
  }

  async #deliver(event: FollowedEvent): Promise<void> {
    const number = event.kind === "epoch" ? event.epoch.number : event.closed.epochNumber;
    // After a start without a token, what this run has dealt with comes again.
    if (number <= this.#last[event.kind]) return;
    await this.#options.onEvent(event);
    this.#last[event.kind] = number;
  }

  /** The event of a message, or undefined when it carries none. Throws for a record that must not be believed. */
  #checked({ event }: WatchEpochsResponse): FollowedEvent | undefined {
    if (event.case === "closed") {
      const { epochNumber } = event.value;
      if (this.#last.epoch >= 0 && epochNumber >= this.#last.epoch) {
        const text = `epoch ${epochNumber} is said to be closed, but the newest so far is ${this.#last.epoch}`;
        throw new ZipnetError("RECORD_SIGNATURE_INVALID", text);
      }
      return { kind: "closed", closed: event.value };
    }
    if (event.case !== "epoch") return undefined;
    const { verify, recordSigner, network, netuid } = this.#options;
    const epoch = openRecord(EpochSchema, event.value, verify, recordSigner);
    if (epoch.network !== network || epoch.netuid !== netuid) {
      const text = `the epoch is of netuid ${epoch.netuid} on "${epoch.network}", not of ${netuid} on "${network}"`;
      throw new ZipnetError("RECORD_SIGNATURE_INVALID", text);
    }
    return { kind: "epoch", epoch, record: event.value };
  }

  #failed(index: number, failure: Failure, error: unknown): StreamEnd {
    const url = this.#options.endpoints[index]?.url;
    if (!this.#signal.aborted) {
      const facts = { url, failure, err: messageOf(error) };
      this.#options.log.warn(facts, "following the epochs was interrupted; it goes on after a pause");
    }
    return { input: { kind: "failed", failure }, error };
  }

  #clientsOf(index: number): Clients {
    const held = this.#clients.get(index);
    if (held !== undefined) return held;
    const endpoint = this.#options.endpoints[index];
    if (endpoint === undefined) throw new RangeError(`there is no endpoint ${index}`);
    const clients = createClients(endpoint, this.#options);
    this.#clients.set(index, clients);
    return clients;
  }
}

/** Intervals of the contract end at ten minutes; a relay that says more must not put us to sleep for longer. */
function within(atLeastMs: number, saidMs: number): number {
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
    default:
      return "unreachable";
  }
}
