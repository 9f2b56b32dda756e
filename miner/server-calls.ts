/**
 * The calls of a miner to the server, each with a limit of time, failing with ZipnetError only.
 */
import type { Client } from "@connectrpc/connect";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { ZipnetError } from "../core/errors.js";
import type { SignedRecord } from "../gen/zipnet/v1/record_pb.js";
import type { ManifestObject, Progress } from "../gen/zipnet/v1/submission_pb.js";
import type { GetSubmissionResponse, SubmissionService, UploadGrant } from "../gen/zipnet/v1/submission_service_pb.js";
import { fromConnectError } from "../rpc/errors.js";

/** A call that only reads or writes little. */
const SHORT_CALL_TIMEOUT_MS = 15_000;

/** The server looks at every object before it answers a finalize call. */
const FINALIZE_TIMEOUT_MS = 120_000;

/** What a miner asks of the server. All reject with ZipnetError, or with the signal's reason. */
export interface ServerCalls {
  /** Leave to upload one object. */
  grant(epochId: string, object: ManifestObject, signal: AbortSignal): Promise<UploadGrant>;
  /** Hands a manifest in; resolves with the receipt's record. */
  finalize(manifest: SignedRecord, signal: AbortSignal): Promise<SignedRecord>;
  /** What the server holds of our submission. */
  submission(epochId: string, signal: AbortSignal): Promise<GetSubmissionResponse>;
  /** Tells how far we are; resolves with the server's time in unix milliseconds. */
  reportProgress(progress: Progress, signal: AbortSignal): Promise<number>;
}

/** Runs a call; what fails becomes a ZipnetError, what was aborted the signal's reason. */
async function call<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof ZipnetError ? error : fromConnectError(error);
  }
}

function incomplete(what: string): ZipnetError {
  return new ZipnetError("UNAVAILABLE", `the server's answer has no ${what}`);
}

/** The calls over a client. */
export function serverCalls(client: Client<typeof SubmissionService>): ServerCalls {
  return {
    grant: (epochId, { zipCode, sizeBytes, md5, sha256 }, signal) =>
      call(signal, async () => {
        const objects = [{ zipCode, sizeBytes, md5, sha256 }];
        const answer = await client.createUploadGrants(
          { epochId, objects },
          { signal, timeoutMs: SHORT_CALL_TIMEOUT_MS },
        );
        const grant = answer.grants[0];
        if (grant === undefined) throw incomplete("grant");
        return grant;
      }),
    finalize: (manifest, signal) =>
      call(signal, async () => {
        const answer = await client.finalizeSubmission({ manifest }, { signal, timeoutMs: FINALIZE_TIMEOUT_MS });
        if (answer.receipt === undefined) throw incomplete("receipt");
        return answer.receipt;
      }),
    submission: (epochId, signal) =>
      call(signal, () => client.getSubmission({ epochId }, { signal, timeoutMs: SHORT_CALL_TIMEOUT_MS })),
    reportProgress: (progress, signal) =>
      call(signal, async () => {
        const answer = await client.reportProgress({ progress }, { signal, timeoutMs: SHORT_CALL_TIMEOUT_MS });
        if (answer.serverTime === undefined) throw incomplete("time");
        return timestampMs(answer.serverTime);
      }),
  };
}
