import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { SubmissionService } from "../../gen/zipnet/v1/submission_service_pb.js";
import { callerOf } from "../../rpc/auth/callers.js";
import type { ServerParts } from "../parts.js";
import { readManifest, readProgress, readReceipt } from "../submissions.js";

/** Reads the caller's own submission, as far as it exists. */
export function getSubmission(parts: ServerParts): ServiceImpl<typeof SubmissionService>["getSubmission"] {
  const { book, cache, clock, ledger, objects, signer, verify } = parts;
  return async ({ epochId }, context) => {
    const { hotkey } = callerOf(context);
    const acceptedUntilMs = await book.acceptedUntilMs(await book.known(epochId), clock.now());
    const [held, progress, granted] = await Promise.all([
      readReceipt(objects, verify, signer.hotkey, epochId, hotkey),
      readProgress(cache, epochId, hotkey),
      ledger.granted(epochId, hotkey),
    ]);
    return {
      ...(held === undefined ? {} : { receipt: held.record, manifest: await readManifest(objects, held.receipt) }),
      ...(progress === undefined ? {} : { progress }),
      acceptedUntil: timestampFromMs(acceptedUntilMs),
      grantedObjects: granted.objects,
      grantedBytes: BigInt(granted.bytes),
    };
  };
}
