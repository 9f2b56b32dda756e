/** skeleton */
import type { Epoch } from "../gen/zipnet/v1/epoch_pb.js";
import type { EpochClosed } from "../gen/zipnet/v1/epoch_service_pb.js";
import type { SignedRecord } from "../gen/zipnet/v1/record_pb.js";
import type { Clock, Log, Signer, VerifySignature } from "../core/ports.js";
import type { Endpoint } from "./client.js";
export type FollowedEvent =
  | { readonly kind: "epoch"; readonly epoch: Epoch; readonly record: SignedRecord }
  | { readonly kind: "closed"; readonly closed: EpochClosed };
export interface FollowOptions {
  readonly endpoints: readonly Endpoint[];
  readonly signer: Signer;
  readonly network: string;
  readonly netuid: number;
  readonly recordSigner: string;
  readonly verify: VerifySignature;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly tokens: { load(): Promise<Uint8Array | undefined>; save(token: Uint8Array): Promise<void> };
  onEvent(event: FollowedEvent): Promise<void>;
}
export function followEpochs(_options: FollowOptions, _signal: AbortSignal): Promise<void> {
  throw new Error("skeleton");
}
