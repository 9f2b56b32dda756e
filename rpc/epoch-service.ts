/**
 * EpochService over a log of epochs. The server and every relay serve it alike.
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type EpochService,
  type GetEpochResponse,
  GetEpochResponseSchema,
  ListEpochsRequestSchema,
} from "../gen/zipnet/v1/epoch_service_pb.js";
import { EPOCH_ID_PATTERN } from "../core/epoch-time.js";
import { InvalidFieldsError, ZipnetError } from "../core/errors.js";
import type { Clock } from "../core/ports.js";
import { callerOf } from "./callers.js";
import { doorbellOf } from "./doorbell.js";
import type { EpochLog, StoredEpoch } from "./epoch-log.js";
import { watchEpochs } from "./watch-epochs.js";

/** How to serve epochs. */
export interface EpochServiceOptions {
  /** "<network>/<netuid>"; tokens of other deployments are refused. */
  readonly deployment: string;
  /** A stream that is quiet for this long gets a bookmark. 100 to 600,000. */
  readonly bookmarkIntervalMs: number;
  readonly clock: Clock;
  /** Aborted when the process goes down: every stream then gets a Drain and ends. */
  readonly drain: AbortSignal;
  /** Drained clients come back spread over this time. 0 to 600,000. */
  readonly drainWindowMs: number;
}

const DEFAULT_PAGE_SIZE = 20;

/** Implements EpochService. */
export function epochService(log: EpochLog, options: EpochServiceOptions): ServiceImpl<typeof EpochService> {
  const drained = doorbellOf(options.drain);
  return {
    watchEpochs: (request, context) =>
      watchEpochs(log, request.resumeToken, {
        ...options,
        drained: drained.ticket(),
        caller: callerOf(context).hotkey,
        signal: context.signal,
      }),

    async getEpoch({ epochId, includeDecoded }) {
      const stored = epochId === "" ? await log.newestEpoch() : await log.epoch(epochId);
      if (stored !== undefined) return response(stored, includeDecoded);
      const what = epochId === "" ? "there is no epoch yet" : `there is no epoch "${epochId}"`;
      throw new ZipnetError("EPOCH_UNKNOWN", `${what}; ListEpochs names those that exist`);
    },

    async listEpochs({ pageSize, pageToken, includeDecoded }) {
      // A page token is the id of the last epoch of the page before; as history never changes, it never expires.
      if (pageToken !== "" && !EPOCH_ID_PATTERN.test(pageToken)) {
        const description = `is "${pageToken}", but must be a next_page_token of an earlier answer`;
        throw new InvalidFieldsError(ListEpochsRequestSchema.typeName, [{ field: "page_token", description }]);
      }
      const count = pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize;
      // One more than asked for tells whether another page follows.
      const found = await log.list(count + 1, pageToken === "" ? undefined : pageToken);
      const page = found.slice(0, count);
      const nextPageToken = found.length > count ? (page.at(-1)?.epoch.id ?? "") : "";
      return { epochs: page.map((stored) => response(stored, includeDecoded)), nextPageToken };
    },
  };
}

function response({ record, epoch }: StoredEpoch, includeDecoded: boolean): GetEpochResponse {
  const init: MessageInitShape<typeof GetEpochResponseSchema> = { record };
  if (includeDecoded) init.decoded = epoch;
  return create(GetEpochResponseSchema, init);
}
