/** skeleton */
import type { ServiceImpl } from "@connectrpc/connect";
import type { EpochService } from "../gen/zipnet/v1/epoch_service_pb.js";
import type { Clock } from "../core/ports.js";
import type { EpochLog } from "./epoch-log.js";
export interface EpochServiceOptions {
  readonly deployment: string;
  readonly bookmarkIntervalMs: number;
  readonly clock: Clock;
  readonly drain: AbortSignal;
  readonly drainWindowMs: number;
}
export function epochService(_log: EpochLog, _options: EpochServiceOptions): ServiceImpl<typeof EpochService> {
  throw new Error("skeleton");
}
