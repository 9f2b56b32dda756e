/** Reports, right and wrong. */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { systemClock } from "../../../adapters/clock/system-clock.js";
import type { Signer } from "../../../core/ports.js";
import type { Epoch } from "../../../gen/zipnet/v1/epoch_pb.js";
import type { SignedRecord } from "../../../gen/zipnet/v1/record_pb.js";
import { ReportSchema } from "../../../gen/zipnet/v1/report_pb.js";
import { sealUnchecked } from "../../../server/rig.test-support.js";

/** A signed report without scores; `change` makes it wrong. */
export function reportOf(
  { id: epochId, network, netuid }: Epoch,
  signer: Signer,
  change: { readonly validator?: string; readonly netuid?: number; readonly softwareVersion?: string } = {},
  snapshotSha256 = "0".repeat(64),
): SignedRecord {
  const table = { epochId, snapshotSha256, scoringVersion: "zipnet-score-v1", scores: [], weights: [] };
  const judgedTime = timestampFromMs(systemClock.now());
  const honest = { epochId, network, netuid, validator: signer.hotkey, softwareVersion: "0.1.0", table, judgedTime };
  return sealUnchecked(ReportSchema, { ...honest, ...change }, signer);
}
