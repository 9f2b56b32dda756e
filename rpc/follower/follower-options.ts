/**
 * What a follower of epochs is given, and what it tells.
 */
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import type { EpochClosed, WatchEpochsResponse } from "../../gen/zipnet/v1/epoch_service_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import type { Log, VerifySignature } from "../../core/ports.js";
import type { ClientOptions, Clients, Endpoint } from "../client/client.js";
import type { StreamEnding } from "./follower-model.js";

/** An event of the stream, checked. `closed` is the server's word only: what counts is the signed snapshot. */
export type FollowedEvent =
  | { readonly kind: "epoch"; readonly epoch: Epoch; readonly record: SignedRecord }
  | { readonly kind: "closed"; readonly closed: EpochClosed };

/** What to follow, and what to do with it. */
export interface FollowOptions extends ClientOptions {
  /**
   * At least one. Those whose hotkey is `recordSigner` are servers and come first, in the order given; the others are
   * relays, in an order of this follower's own.
   */
  readonly endpoints: readonly Endpoint[];
  /** Finds more relays; called now and then. Rejects when it cannot tell; what was found before holds on then. */
  discoverRelays?(signal: AbortSignal): Promise<readonly Endpoint[]>;
  /** How to reach an endpoint. Default createClients. */
  reach?(endpoint: Endpoint): Clients;
  /** The only hotkey that may have signed epochs. */
  readonly recordSigner: string;
  readonly verify: VerifySignature;
  /** 0 (included) to 1 (excluded). */
  readonly random: () => number;
  readonly log: Log;
  /**
   * Where the position is kept between runs: the tokens and what was dealt with, opaque, a few kilobytes at most. A bare
   * resume token is taken, too. `save` replaces the whole content or nothing of it.
   */
  readonly tokens: { load(): Promise<Uint8Array | undefined>; save(position: Uint8Array): Promise<void> };
  /**
   * Deals with an event. The position that passes it is saved only after this has resolved; when it rejects, the event
   * comes again later. After a crash in between, the event comes again too. Events come in order, with one exception:
   * an epoch that a relay left out comes once a server is back, after those that the relay did pass on.
   */
  onEvent(event: FollowedEvent): Promise<void>;
  /** For whoever records or checks what a follower sees: every message of every stream, before it is dealt with. */
  observe?(seen: SeenMessage): void;
  /** As `observe`: every stream, when it is opened and when it has ended. */
  observeStream?(seen: SeenStream): void;
}

/** A message as it came, not checked yet. */
interface SeenMessage {
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
  /** `error` says more about a failure. */
  | { readonly happened: "ended"; readonly how: StreamEnding; readonly error?: unknown }
);
