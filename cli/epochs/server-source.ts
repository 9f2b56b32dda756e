import { Code } from "@connectrpc/connect";
import { downloadCatalogue } from "../../rpc/catalogues/download.js";
import type { Transfer } from "../../core/ports.js";
import { epochIn } from "../../core/verify-epoch.js";
import type { GetEpochResponse } from "../../gen/zipnet/v1/epoch_service_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import type { Clients } from "../../rpc/client/client.js";
import { fromConnectError } from "../../rpc/errors.js";
import type { RecordSource } from "./source.js";

/** Epochs per page: as many as the contract allows. */
const PAGE_SIZE = 100;

/** There is no such thing, or not for this caller, or not at a relay. */
const notHere = ["EPOCH_UNKNOWN", "EPOCH_OPEN", "ROLE_NOT_ALLOWED", Code[Code.Unimplemented]];

/** Answers undefined in place of these refusals: there is no such thing, or not for this caller. */
async function unless<T>(reasons: readonly string[], answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    const failure = fromConnectError(error);
    if (reasons.includes(failure.reason) || reasons.includes(failure.metadata["code"] ?? "")) return undefined;
    throw failure;
  }
}

/** The records of a server, or of a validator's relay, which hands out no snapshots. Closes the clients with itself. */
export function serverSource(
  url: string,
  clients: Clients,
  transfer: Pick<Transfer, "get">,
  signal: AbortSignal,
): RecordSource {
  const held = new Map<string, SignedRecord>();
  let pageToken = "";
  let oldestHeld: string | undefined;
  let isComplete = false;

  /** Reads pages, which go back in time, until one holds the epoch of the id or an older one. */
  async function readBackTo(epochId: string): Promise<void> {
    while (!isComplete && (oldestHeld === undefined || oldestHeld > epochId)) {
      const page = await clients.epochs
        .listEpochs({ pageSize: PAGE_SIZE, pageToken }, { signal })
        .catch((error: unknown) => {
          throw fromConnectError(error);
        });
      for (const answer of page.epochs) hold(answer);
      pageToken = page.nextPageToken;
      isComplete = pageToken === "";
    }
  }
  function hold({ record }: GetEpochResponse): void {
    const id = record === undefined ? undefined : epochIn(record)?.id;
    if (record === undefined || id === undefined) return;
    held.set(id, record);
    if (oldestHeld === undefined || id < oldestHeld) oldestHeld = id;
  }

  const calibrationOf = (epochId: string) => unless(notHere, clients.judging.getCalibration({ epochId }, { signal }));

  return {
    name: url,
    async epoch(epochId) {
      const answer = await unless(["EPOCH_UNKNOWN"], clients.epochs.getEpoch({ epochId }, { signal }));
      return answer?.record;
    },
    async epochs(fromId, beforeId) {
      await readBackTo(fromId);
      return [...held].filter(([id]) => id >= fromId && id < beforeId).map(([, record]) => record);
    },
    async catalogue(sha256) {
      const missing = ["OBJECT_MISSING", "OBJECT_DIFFERS"];
      return (await unless(missing, downloadCatalogue(transfer, [url], sha256, signal)))?.bytes;
    },
    async snapshot(epochId) {
      return (await unless(notHere, clients.judging.getSnapshot({ epochId }, { signal })))?.record;
    },
    async choice(epochId) {
      const id = epochId === "" ? (await clients.info.getServerInfo({}, { signal })).catalogueEpochId : epochId;
      return id === "" ? undefined : (await calibrationOf(id))?.choice;
    },
    settlement: async (epochId) => (await calibrationOf(epochId))?.settlement,
    async reports(epochId) {
      const records: SignedRecord[] = [];
      for (let token = ""; ;) {
        const page = await unless(notHere, clients.judging.listReports({ epochId, pageToken: token }, { signal }));
        records.push(...(page?.reports ?? []));
        token = page?.nextPageToken ?? "";
        if (token === "") return records;
      }
    },
    close: () => clients.close(),
  };
}
