import type { Clock } from "../../core/ports.js";
import { type EpochStream, StreamFailure } from "./epoch-stream.js";
import type { FollowerEvent } from "./follower-model.js";

/** What a trial says in the end. */
type TrialResult = Extract<FollowerEvent, { readonly kind: "server_opened" | "server_failed" }>;

/** One attempt to come back to a server: waits, then opens a stream and reads its first message. */
export class ServerTrial {
  /** Never rejects. */
  readonly result: Promise<TrialResult>;
  readonly #stopping = new AbortController();
  #stream: EpochStream | undefined;

  /** @param endpoint the server's number among the endpoints. */
  constructor(endpoint: number, atMs: number, open: () => EpochStream, clock: Clock) {
    this.result = this.#run(endpoint, atMs, open, clock);
  }

  /** The stream; undefined before it is opened. */
  get stream(): EpochStream | undefined {
    return this.#stream;
  }

  /** Gives up. */
  stop(): void {
    this.#stopping.abort();
    this.#stream?.end("stopped");
  }

  async #run(endpoint: number, atMs: number, open: () => EpochStream, clock: Clock): Promise<TrialResult> {
    try {
      await clock.sleepUntil(atMs, this.#stopping.signal);
      this.#stream = open();
      await this.#stream.peek();
      return { kind: "server_opened", endpoint };
    } catch (error) {
      const failure = error instanceof StreamFailure ? error.failure : "unreachable";
      this.#stream?.end(failure, error);
      return { kind: "server_failed", failure };
    }
  }
}
