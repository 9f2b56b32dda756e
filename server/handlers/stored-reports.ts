import { reportKey, reportPrefix } from "../../core/object-keys.js";
import type { ObjectStore } from "../../core/ports.js";
import { decodeRecord } from "../../core/signed-record.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { MAX_PAGE_BYTES } from "../limits.js";

/** A page of reports. */
interface ReportPage {
  /** Ascending by validator. */
  readonly records: readonly SignedRecord[];
  /** Whether no report comes after these. */
  readonly isLast: boolean;
}

/**
 * The reports on an epoch after a validator's, "" for the first: so many at most, and at least one where there is one, but
 * no more than fit into a page.
 */
export async function reportsAfter(
  objects: Pick<ObjectStore, "get" | "list">,
  epochId: string,
  validator: string,
  most: number,
): Promise<ReportPage> {
  const records: SignedRecord[] = [];
  let bytes = 0;
  const after = validator === "" ? undefined : reportKey(epochId, validator);
  for await (const info of objects.list(reportPrefix(epochId), after)) {
    const isFull = records.length === most || bytes + info.sizeBytes > MAX_PAGE_BYTES;
    if (isFull && records.length > 0) return { records, isLast: false };
    const content = await objects.get(info.key);
    if (content === undefined) throw new Error(`the store has lost ${info.key}, which it listed`);
    records.push(decodeRecord(content));
    bytes += info.sizeBytes;
  }
  return { records, isLast: true };
}
