/**
 * Follows the epochs through every interruption: reconnects, changes endpoints and comes back to the server, resumes
 * from the last token, checks every record, and delivers every event once.
 *
 * This is the shell; what to do next is decided in follower-state.ts, what was dealt with is kept in
 * follower-position.ts.
 */
import type { WatchEpochsResponse } from "../../gen/zipnet/v1/epoch_service_pb.js";
import { messageOf } from "../../core/errors.js";
import { ClientPool } from "./client-pool.js";
import { type Endpoint, createClients } from "../client/client.js";
import { EpochStream, StreamFailure, within } from "./epoch-stream.js";
import { checkedEvent } from "./followed-event.js";
import { type FollowerEndpoints, followerEndpoints } from "./follower-endpoints.js";
import type { Failure, FollowerAction, FollowerEvent, StreamEnding } from "./follower-model.js";
import type { FollowOptions } from "./follower-options.js";
import {
  NOWHERE,
  type Teller,
  advanced,
  decodePosition,
  encodePosition,
  isDealtWith,
  newestOpened,
  tokensFor,
} from "./follower-position.js";
import { INITIAL_STATE, nextStep } from "./follower-state.js";
import { ServerTrial } from "./server-trial.js";
import { TokenChoice } from "./token-choice.js";

export type { FollowOptions, FollowedEvent, SeenStream } from "./follower-options.js";

/** Follows until the signal is aborted; resolves then. Rejects only when tokens.load rejects. */
export async function followEpochs(options: FollowOptions, signal: AbortSignal): Promise<void> {
  await new Follower(options, signal).run();
}

class Follower {
  readonly #options: FollowOptions;
  readonly #signal: AbortSignal;
  readonly #endpoints: FollowerEndpoints;
  readonly #pool: ClientPool;
  readonly #tokens = new TokenChoice();
  #state = INITIAL_STATE;
  #position = NOWHERE;
  #streams = 0;
  /** The stream that is followed. */
  #stream: EpochStream | undefined;
  /** The attempt to come back to a server, while a relay stands in. */
  #trial: ServerTrial | undefined;

  constructor(options: FollowOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#endpoints = followerEndpoints(options);
    this.#pool = new ClientPool((endpoint) => options.reach?.(endpoint) ?? createClients(endpoint, options));
  }

  async run(): Promise<void> {
    const stored = await this.#options.tokens.load();
    this.#restore(stored);
    const over = new AbortController();
    const end = (): void => {
      over.abort();
      this.#endStreams("stopped");
    };
    this.#signal.addEventListener("abort", end, { once: true });
    const discovery = this.#signal.aborted ? undefined : this.#endpoints.discover(over.signal);
    try {
      let event: FollowerEvent = { kind: "start" };
      for (;;) {
        const action = this.#step(this.#signal.aborted ? { kind: "stop" } : event);
        if (action.kind === "stop") return;
        event = await this.#perform(action);
      }
    } finally {
      this.#signal.removeEventListener("abort", end);
      end();
      this.#pool.close();
      await discovery;
    }
  }

  #restore(stored: Uint8Array | undefined): void {
    if (stored === undefined || stored.length === 0) return;
    try {
      this.#position = decodePosition(stored);
    } catch (error) {
      this.#options.log.warn({ err: error }, messageOf(error));
    }
  }

  #step(event: FollowerEvent): FollowerAction {
    const { clock, random } = this.#options;
    const step = nextStep(this.#state, event, {
      nowMs: clock.now(),
      random: random(),
      serverCount: this.#endpoints.serverCount(),
      endpointCount: this.#endpoints.list().length,
    });
    this.#state = step.state;
    return step.action;
  }

  async #perform(action: Exclude<FollowerAction, { kind: "stop" }>): Promise<FollowerEvent> {
    const { clock } = this.#options;
    switch (action.kind) {
      case "connect":
        this.#stream = this.#open(action.endpoint);
        return await this.#opened(this.#stream);
      case "wait":
        if (action.refused) this.#refused(this.#stream);
        this.#stream = undefined;
        await clock.sleepUntil(action.untilMs, this.#signal).catch(() => {});
        return { kind: "waited" };
      case "try_server":
        if (action.refused) this.#refused(this.#trial?.stream);
        this.#trial = new ServerTrial(action.endpoint, action.atMs, () => this.#open(action.endpoint), clock);
        break;
      case "move":
        this.#move();
        break;
      case "continue":
        break;
    }
    return await this.#nextEvent();
  }

  #open(number: number): EpochStream {
    const endpoint = this.#endpoints.list()[number];
    if (endpoint === undefined) throw new RangeError(`there is no endpoint ${number}`);
    const token = this.#tokens.choose(endpoint, tokensFor(this.#position, this.#tellerAt(endpoint)));
    const stream = new EpochStream({ endpoint, number: this.#streams, token }, this.#pool.of(endpoint), this.#options);
    this.#streams += 1;
    return stream;
  }

  #tellerAt({ hotkey }: Endpoint): Teller {
    return { isServer: hotkey === this.#options.recordSigner, hotkey };
  }

  async #opened(stream: EpochStream): Promise<FollowerEvent> {
    try {
      await stream.peek();
      return { kind: "opened" };
    } catch (error) {
      return this.#failed(stream, error);
    }
  }

  /** The server's stream goes on where its own token was; what the relay told meanwhile is recognised. */
  #move(): void {
    const stream = this.#trial?.stream;
    this.#trial = undefined;
    this.#stream?.end("moved");
    this.#stream = stream;
    this.#options.log.info({ url: stream?.endpoint.url }, "the server is back and is followed again");
  }

  /** Deals with the next message, unless the attempt to come back to a server ends before; says what happened. */
  async #nextEvent(): Promise<FollowerEvent> {
    const stream = this.#stream;
    if (stream === undefined) throw new TypeError("there is no stream to go on with");
    try {
      for (;;) {
        const first = await Promise.race([stream.peek(), ...(this.#trial === undefined ? [] : [this.#trial.result])]);
        if ("kind" in first) return this.#tried(first);
        stream.take();
        const { event } = first;
        if (event.case === "drain") {
          this.#endStreams("drained");
          return { kind: "drained", delayMs: within(0, event.value.reconnectDelayMs) };
        }
        if (event.case === "started") continue;
        await this.#dealWith(first, stream.endpoint);
        return { kind: "progressed" };
      }
    } catch (error) {
      return this.#failed(stream, error);
    }
  }

  #tried(result: Awaited<ServerTrial["result"]>): FollowerEvent {
    if (result.kind === "server_failed") {
      const facts = { url: this.#trial?.stream?.endpoint.url, failure: result.failure };
      this.#options.log.debug(facts, "the server is not back yet");
    }
    return result;
  }

  async #dealWith(message: WatchEpochsResponse, endpoint: Endpoint): Promise<void> {
    const { tokens, onEvent } = this.#options;
    const event = await orFailure("bad_record", () =>
      checkedEvent(message, newestOpened(this.#position), this.#options),
    );
    await orFailure("not_handled", async () => {
      if (event !== undefined && !isDealtWith(this.#position, event)) await onEvent(event);
      this.#position = advanced(this.#position, message.resumeToken, event, this.#tellerAt(endpoint));
      await tokens.save(encodePosition(this.#position));
    });
    this.#tokens.forget(endpoint);
  }

  #refused(stream: EpochStream | undefined): void {
    if (stream !== undefined) this.#tokens.refuse(stream.endpoint, stream.token);
  }

  #failed({ endpoint }: EpochStream, error: unknown): FollowerEvent {
    const { failure, cause }: { failure: Failure; cause?: unknown } =
      error instanceof StreamFailure ? error : { failure: "unreachable", cause: error };
    if (!this.#signal.aborted) {
      const facts = { url: endpoint.url, failure, err: messageOf(cause) };
      this.#options.log.warn(facts, "following the epochs was interrupted; it goes on after a pause");
    }
    this.#endStreams(failure, cause);
    if (failure === "silent") this.#pool.drop(endpoint);
    return { kind: "failed", failure };
  }

  #endStreams(how: StreamEnding, error?: unknown): void {
    this.#stream?.end(this.#signal.aborted ? "stopped" : how, error);
    this.#trial?.stop();
    this.#trial = undefined;
  }
}

async function orFailure<T>(failure: Failure, act: () => T | Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw new StreamFailure(failure, error);
  }
}
