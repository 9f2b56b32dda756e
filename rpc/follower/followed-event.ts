/**
 * What a message of the stream says, once it may be believed.
 */
import { EPOCH_ID_PATTERN } from "../../core/epoch-time.js";
import { ZipnetError } from "../../core/errors.js";
import { openRecord } from "../../core/signed-record.js";
import { EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import type { WatchEpochsResponse } from "../../gen/zipnet/v1/epoch_service_pb.js";
import type { FollowOptions, FollowedEvent } from "./follower-options.js";

/** As the contract has it. */
const MAX_TOKEN_BYTES = 256;
const SHA256_PATTERN = /^[0-9a-f]{64}$/;

function unbelievable(what: string): ZipnetError {
  return new ZipnetError("RECORD_SIGNATURE_INVALID", what);
}

/**
 * The event of a message, or undefined when it carries none. Throws RECORD_SIGNATURE_INVALID for an epoch that the server
 * did not sign or that is of another deployment, and for a close of an epoch that nobody has told
 * of, and whatever the contract does not allow.
 *
 * @param newestEpoch number of the newest epoch so far; -1 for none.
 */
export function checkedEvent(
  { event, resumeToken }: WatchEpochsResponse,
  newestEpoch: number,
  options: Pick<FollowOptions, "verify" | "recordSigner" | "network" | "netuid">,
): FollowedEvent | undefined {
  if (resumeToken.length === 0 || resumeToken.length > MAX_TOKEN_BYTES) {
    throw unbelievable(`a resume token has ${resumeToken.length} bytes, but must have 1 to ${MAX_TOKEN_BYTES}`);
  }
  if (event.case === "closed") {
    const { epochNumber, epochId, snapshotSha256 } = event.value;
    if (!EPOCH_ID_PATTERN.test(epochId) || !SHA256_PATTERN.test(snapshotSha256)) {
      throw unbelievable(`the close of epoch ${epochNumber} has no epoch id or no hash in its form`);
    }
    // That of the newest itself can come when no epoch was drawn in its successor's time.
    if (newestEpoch >= 0 && epochNumber > newestEpoch) {
      const text = `epoch ${epochNumber} is said to be closed, but the newest so far is ${newestEpoch}`;
      throw unbelievable(text);
    }
    return { kind: "closed", closed: event.value };
  }
  if (event.case !== "epoch") return undefined;
  const { verify, recordSigner, network, netuid } = options;
  const epoch = openRecord(EpochSchema, event.value, verify, recordSigner);
  if (epoch.network !== network || epoch.netuid !== netuid) {
    const text = `the epoch is of netuid ${epoch.netuid} on "${epoch.network}", not of ${netuid} on "${network}"`;
    throw unbelievable(text);
  }
  return { kind: "epoch", epoch, record: event.value };
}
