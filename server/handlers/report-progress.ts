import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { ZipnetError } from "../../core/errors.js";
import type { SubmissionService } from "../../gen/zipnet/v1/submission_service_pb.js";
import { callerOf } from "../../rpc/auth/callers.js";
import type { ServerParts } from "../parts.js";
import { writeProgress } from "../submissions.js";
import { present } from "./present.js";

/** Remembers how far the caller is, until the end of the epoch that follows. */
export function reportProgress(parts: ServerParts): ServiceImpl<typeof SubmissionService>["reportProgress"] {
  const { book, cache, clock, deployment } = parts;
  return async (request, context) => {
    const { hotkey } = callerOf(context);
    const progress = present(request.progress, "progress");
    const nowMs = clock.now();
    const { closeMs } = await book.known(progress.epochId);
    const forgetMs = closeMs + deployment.epochLengthSeconds * 1000;
    if (nowMs >= forgetMs) {
      const message = `epoch ${progress.epochId} is over for long; progress is kept for the current and the previous epoch`;
      throw new ZipnetError("EPOCH_CLOSED", message, { epoch_id: progress.epochId });
    }
    await writeProgress(cache, hotkey, progress, forgetMs - nowMs);
    return { serverTime: timestampFromMs(nowMs) };
  };
}
