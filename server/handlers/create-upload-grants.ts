import { type MessageInitShape, create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { ZipnetError } from "../../core/errors.js";
import { sha256Hex } from "../../core/hash.js";
import { DATA_CONTENT_TYPE, dataKey, receiptKey } from "../../core/object-keys.js";
import {
  type CreateUploadGrantsRequest,
  CreateUploadGrantsRequestSchema,
  type SubmissionService,
  type UploadGrantSchema,
} from "../../gen/zipnet/v1/submission_service_pb.js";
import { callerOf } from "../../rpc/auth/callers.js";
import { type KnownEpoch, assertOpen } from "../epoch-book.js";
import type { ServerParts } from "../parts.js";
import { pageBytes } from "./page-bytes.js";
import { decodePageToken, encodePageToken } from "./page-tokens.js";

/** How much longer than until the close it is remembered what was granted; an epoch that is extended begins anew. */
const LEDGER_SLACK_MS = 60_000;

/** Throws ZIP_CODE_NOT_ASSIGNED, with every zip code that is not the epoch's. */
export function assertAssigned(zipCodes: readonly string[], { epoch, zipCodes: assigned }: KnownEpoch): void {
  const strange = zipCodes.filter((zipCode) => !assigned.has(zipCode));
  if (strange.length === 0) return;
  const shown = strange.slice(0, 5).join(", ") + (strange.length > 5 ? ` and ${strange.length - 5} more` : "");
  throw new ZipnetError(
    "ZIP_CODE_NOT_ASSIGNED",
    `epoch ${epoch.id} does not ask for zip code ${shown}; its ${assigned.size} zip codes are in GetEpoch`,
    { epoch_id: epoch.id, zip_codes: strange.slice(0, 20).join(",") },
  );
}

/** Grants the upload of objects for an epoch that takes submissions, under the caller's own prefix. */
export function createUploadGrants(parts: ServerParts): ServiceImpl<typeof SubmissionService>["createUploadGrants"] {
  const { book, clock, ledger, objects, limits } = parts;
  return async (request, context) => {
    const { hotkey } = callerOf(context);
    const nowMs = clock.now();
    const question = questionOf(request);
    const first = Number(decodePageToken(CreateUploadGrantsRequestSchema.typeName, question, request.pageToken));
    const epoch = await book.known(request.epochId);
    const acceptedUntilMs = await book.acceptedUntilMs(epoch, nowMs);
    assertOpen(epoch, acceptedUntilMs, nowMs);
    assertAssigned(
      request.objects.map((spec) => spec.zipCode),
      epoch,
    );
    if ((await objects.head(receiptKey(request.epochId, hotkey))) !== undefined) {
      throw new ZipnetError(
        "ALREADY_FINALIZED",
        `your submission for epoch ${request.epochId} is finalized and takes no more objects; go on with the next epoch`,
        { epoch_id: request.epochId },
      );
    }
    await ledger.enter(request.epochId, hotkey, request.objects, acceptedUntilMs - nowMs + LEDGER_SLACK_MS);
    const expiryMs = Math.min(nowMs + limits.grantTtlSeconds * 1000, acceptedUntilMs);
    const grants: MessageInitShape<typeof UploadGrantSchema>[] = [];
    const bytes = pageBytes();
    for (const spec of request.objects.slice(first, first + (request.pageSize || request.objects.length))) {
      const key = dataKey(hotkey, request.epochId, spec.zipCode, spec.sha256);
      const pins = { key, sizeBytes: spec.sizeBytes, md5: spec.md5, contentType: DATA_CONTENT_TYPE };
      const { url, headers } = await objects.grantUpload(pins, expiryMs);
      const texts = headers.flatMap(({ name, value }) => [name, value, ""]);
      if (!(await bytes.takeGrant(key, url, ...texts))) break;
      grants.push({ key, url, headers: [...headers], expireTime: timestampFromMs(expiryMs) });
    }
    const next = first + grants.length;
    return { grants, nextPageToken: next < request.objects.length ? encodePageToken(question, String(next)) : "" };
  };
}

/** What a page token is bound to: the epoch and the objects, not how many of them a page has. */
function questionOf({ epochId, objects }: CreateUploadGrantsRequest): string {
  const asked = create(CreateUploadGrantsRequestSchema, { epochId, objects });
  return sha256Hex(toBinary(CreateUploadGrantsRequestSchema, asked));
}
