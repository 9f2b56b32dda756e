/**
 * EpochService over a log of epochs. The server and every relay serve it alike.
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  type EpochService,
  GetEpochRequestSchema,
  type GetEpochResponse,
  GetEpochResponseSchema,
  ListEpochsRequestSchema,
  type WatchEpochsRequest,
  type WatchEpochsResponse,
} from "../../gen/zipnet/v1/epoch_service_pb.js";
import { EPOCH_ID_PATTERN } from "../../core/epoch-time.js";
import { InvalidFieldsError, ZipnetError } from "../../core/errors.js";
import { callerPlaceKey } from "../serving/caller-address.js";
import { callerOf } from "../auth/callers.js";
import { doorbellOf } from "../epoch-log/doorbell.js";
import { EpochHub, type EpochHubOptions } from "./epoch-hub.js";
import type { EpochLog, StoredEpoch } from "../epoch-log/epoch-log.js";
import { type HotCall, hotCall } from "../serving/hot-calls.js";
import { takeHandover } from "./handover.js";
import type { StreamLimits } from "../serving/stream-limits.js";
import { watchEpochs } from "./watch-epochs.js";
import { type WatchStart, watchMessage, watchStart } from "./watch-messages.js";

/** How to serve epochs. */
export interface EpochServiceOptions extends EpochHubOptions {
  /** Default: any number of streams. */
  readonly streamLimits?: StreamLimits;
}

/** EpochService, ready to be served. */
export interface ServedEpochs {
  readonly impl: ServiceImpl<typeof EpochService>;
  /** Resolves after the drain began, once every stream of the hub has been told and ended. */
  readonly drained: Promise<void>;
  /** GetEpoch of what is encoded in memory. */
  readonly hot: Readonly<Record<string, HotCall>>;
  /** Streams that the hub holds. */
  readonly streams: () => number;
}

const DEFAULT_PAGE_SIZE = 20;

/** Implements EpochService. */
export function epochService(log: EpochLog, options: EpochServiceOptions): ServedEpochs {
  const hub = new EpochHub(log, options);
  const drained = doorbellOf(options.drain);

  async function* watch(request: WatchEpochsRequest, context: HandlerContext): AsyncGenerator<WatchEpochsResponse> {
    const caller = callerOf(context).hotkey;
    const ended = options.streamLimits?.open(caller, context.values.get(callerPlaceKey).address) ?? (() => {});
    let isTaken = false;
    try {
      const { revision, mode }: WatchStart = await watchStart(log, request.resumeToken, options.tokens);
      const { bookmarkIntervalMs } = options;
      // Headers leave with the first message, so it goes out before anything is waited for.
      const started = watchMessage({ case: "started", value: { mode, bookmarkIntervalMs } }, revision, options);
      isTaken = takeHandover(context, (stream) => hub.join({ stream, revision, caller, onLeft: ended }));
      yield started;
      if (isTaken) return;
      yield* watchEpochs(log, revision, { ...options, drained: drained.ticket(), caller, signal: context.signal });
    } finally {
      // A stream that was taken goes on, and the hub says when it has ended.
      if (!isTaken) ended();
    }
  }

  return {
    drained: hub.drained,
    streams: () => hub.size,
    hot: {
      GetEpoch: hotCall(GetEpochRequestSchema, ({ epochId, includeDecoded }) =>
        includeDecoded ? undefined : log.heldEncodedEpoch(epochId),
      ),
    },
    impl: {
      watchEpochs: watch,

      async getEpoch({ epochId, includeDecoded }) {
        // Puts the encoded answer at hand for whoever asks next.
        if (!includeDecoded) await log.encodedEpoch(epochId);
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
    },
  };
}

function response({ record, epoch }: StoredEpoch, includeDecoded: boolean): GetEpochResponse {
  const init: MessageInitShape<typeof GetEpochResponseSchema> = { record };
  if (includeDecoded) init.decoded = epoch;
  return create(GetEpochResponseSchema, init);
}
