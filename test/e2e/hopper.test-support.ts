/**
 * A follower that never stays: after every event of the stream it goes on at another server, with its last token.
 */
import { epochNumberOfId } from "../../core/epoch-time.js";
import { openRecord } from "../../core/signed-record.js";
import { verifySr25519 } from "../../adapters/wallet/wallet.js";
import { EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import type { WatchEpochsResponse } from "../../gen/zipnet/v1/epoch_service_pb.js";
import type { Clients } from "../../rpc/client/client.js";
import { fromConnectError } from "../../rpc/errors.js";
import { waitUntil } from "../parts/programs.js";

/** What a server may answer at times: it, its Redis or its neighbour is away, or it has not got there yet. */
const PASSING = new Set(["UNAVAILABLE", "RESUME_TOKEN_FROM_FUTURE"]);

/** Follows until stopped. */
export class Hopper {
  /** What it has seen: "+7" for epoch 7 opened, "-7" for epoch 7 closed, and every refusal that it did not expect. */
  readonly seen: string[] = [];
  readonly #servers: readonly Clients[];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #token: Uint8Array = new Uint8Array();

  constructor(
    servers: readonly Clients[],
    private readonly serverHotkey: string,
    private readonly epochLengthSeconds: number,
  ) {
    this.#servers = servers;
    this.#running = this.#run();
  }

  /** Waits until it has seen so many events. */
  async hasSeen(count: number, timeoutMs: number): Promise<void> {
    await waitUntil(`event ${count} at the follower`, timeoutMs, async () => this.seen.length >= count);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let turn = 0; !this.#stop.signal.aborted; turn += 1) {
      const server = this.#servers[turn % this.#servers.length];
      if (server === undefined) throw new Error("there is no server to follow");
      try {
        await this.#followOneEvent(server);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        const { reason, message } = fromConnectError(error);
        if (!PASSING.has(reason)) this.seen.push(`${reason}: ${message}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  async #followOneEvent({ epochs }: Clients): Promise<void> {
    for await (const message of epochs.watchEpochs({ resumeToken: this.#token }, { signal: this.#stop.signal })) {
      const told = this.#tell(message);
      if (told !== undefined) this.seen.push(told);
      this.#token = message.resumeToken;
      if (told !== undefined) return;
    }
  }

  #tell({ event }: WatchEpochsResponse): string | undefined {
    if (event.case === "closed") return `-${epochNumberOfId(event.value.epochId, this.epochLengthSeconds)}`;
    if (event.case !== "epoch") return undefined;
    return `+${openRecord(EpochSchema, event.value, verifySr25519, this.serverHotkey).number}`;
  }
}
