import { ZipnetError } from "../../core/errors.js";
import type { Transfer } from "../../core/ports.js";
import type { ManifestObject } from "../../gen/zipnet/v1/submission_pb.js";
import type { ServerCalls } from "../server-calls.js";

/** The store's word that the key is taken. Only this very content can lie there: the grant pins it. */
const PRECONDITION_FAILED = 412;

/**
 * Uploads one file: asks for leave and PUTs it. Resolves with the file's facts and its key, also when the store held it
 * already. Rejects as CreateUploadGrants, or with UNAVAILABLE for any other answer of the store: a new grant may help.
 */
export async function uploadFile(
  parts: { readonly server: Pick<ServerCalls, "grant">; readonly transfer: Transfer },
  epochId: string,
  object: ManifestObject,
  content: Uint8Array,
  signal: AbortSignal,
): Promise<ManifestObject> {
  const grant = await parts.server.grant(epochId, object, signal);
  const { status, text } = await parts.transfer.put(grant.url, grant.headers, content, signal);
  const held = (status >= 200 && status < 300) || status === PRECONDITION_FAILED;
  if (!held) {
    const answer = text.slice(0, 200);
    throw new ZipnetError(
      "UNAVAILABLE",
      `the store answered status ${status} to the upload of ${grant.key}: ${answer}`,
    );
  }
  return { ...object, key: grant.key };
}
