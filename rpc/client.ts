/** skeleton */
import type { Client } from "@connectrpc/connect";
import type { EpochService } from "../gen/zipnet/v1/epoch_service_pb.js";
import type { JudgingService } from "../gen/zipnet/v1/judging_service_pb.js";
import type { ServerInfoService } from "../gen/zipnet/v1/server_info_service_pb.js";
import type { SubmissionService } from "../gen/zipnet/v1/submission_service_pb.js";
import type { Clock, Signer } from "../core/ports.js";
export interface Endpoint {
  readonly url: string;
  readonly hotkey: string;
}
export interface ClientOptions {
  readonly signer: Signer;
  readonly network: string;
  readonly netuid: number;
  readonly clock: Clock;
}
export interface Clients {
  readonly epochs: Client<typeof EpochService>;
  readonly submissions: Client<typeof SubmissionService>;
  readonly judging: Client<typeof JudgingService>;
  readonly info: Client<typeof ServerInfoService>;
  close(): void;
}
export function createClients(_endpoint: Endpoint, _options: ClientOptions): Clients {
  throw new Error("skeleton");
}
