/**
 * What a follower of epochs is given, and what it tells.
 */
import type { Epoch } from "../gen/zipnet/v1/epoch_pb.js";
import type { EpochClosed, WatchEpochsResponse } from "../gen/zipnet/v1/epoch_service_pb.js";
import type { SignedRecord } from "../gen/zipnet/v1/record_pb.js";
import type { Clock, Log, Signer, VerifySignature } from "../core/ports.js";
import type { Endpoint } from "./client.js";
import type { Failure } from "./follower-state.js";

/** An event of the stream, checked. `closed` is the server's word only: what counts is the signed snapshot. */
export type FollowedEvent =
  | { readonly kind: "epoch"; readonly epoch: Epoch; readonly record: SignedRecord }
  | { readonly kind: "closed"; readonly closed: EpochClosed };

/** What to follow, and what to do with it. */
export interface FollowOptions {
  /** Tried in turn, beginning with the first: the server, then relays. At least one. */
  readonly endpoints: readonly Endpoint[];
  readonly signer: Signer;
  readonly network: string;
  readonly netuid: number;
  /** The only hotkey that may have signed epochs. */
  readonly recordSigner: string;
  readonly verify: VerifySignature;
  readonly clock: Clock;
  /** 0 (included) to 1 (excluded). */
  readonly random: () => number;
  readonly log: Log;
  /** Where the resume token is kept between runs. */
  readonly tokens: { load(): Promise<Uint8Array | undefined>; save(token: Uint8Array): Promise<void> };
  /**
   * Deals with an event. The token that passes it is saved only after this has resolved; when it rejects, the event
   * comes again later. After a crash in between, the event comes again too.
   */
  onEvent(event: FollowedEvent): Promise<void>;
  /** For whoever records or checks what a follower sees: every message of every stream, before it is dealt with. */
  observe?(seen: SeenMessage): void;
  /** As `observe`: every stream, when it is opened and when it has ended. */
  observeStream?(seen: SeenStream): void;
}

/** A message as it came, not checked yet. */
export interface SeenMessage {
  /** Address of the endpoint. */
  readonly endpoint: string;
  /** Number of the stream in this run, from 0. */
  readonly stream: number;
  readonly message: WatchEpochsResponse;
}

/** A stream that begins or has ended. */
export type SeenStream = {
  /** Address of the endpoint. */
  readonly endpoint: string;
  /** Number of the stream in this run, from 0. */
  readonly stream: number;
  /** Token that the stream was opened with; empty for none. */
  readonly token: Uint8Array;
} & (
  | { readonly happened: "opened" }
  /** `how` is "drained", "stopped", or the failure; `error` says more about a failure. */
  | { readonly happened: "ended"; readonly how: Failure | "drained" | "stopped"; readonly error?: unknown }
);
