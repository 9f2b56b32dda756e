/**
 * The calls of a validator to the server, failing with ZipnetError only.
 */
import { ZipnetError } from "../core/errors.js";
import type { Transfer } from "../core/ports.js";
import type { CreateDownloadGrantsResponse } from "../gen/zipnet/v1/judging_service_pb.js";
import type { SignedRecord } from "../gen/zipnet/v1/record_pb.js";
import type { GetServerInfoResponse } from "../gen/zipnet/v1/server_info_service_pb.js";
import { downloadCatalogue } from "../rpc/catalogues/download.js";
import type { Clients } from "../rpc/client/client.js";
import { fromConnectError } from "../rpc/errors.js";

/** What a validator asks of the server. All reject with ZipnetError, or with the signal's reason. */
export interface JudgingCalls {
  /** Who the server is and how long its epochs are. */
  info(signal: AbortSignal): Promise<GetServerInfoResponse>;
  /** The bytes of a catalogue, its hash checked. */
  catalogue(sha256: string, signal: AbortSignal): Promise<Uint8Array>;
  /** The signed snapshot of a closed epoch, unchecked. */
  snapshot(epochId: string, signal: AbortSignal): Promise<SignedRecord>;
  /** One page of grants for these miners. An empty token asks for the first. */
  downloadGrants(
    epochId: string,
    hotkeys: readonly string[],
    pageToken: string,
    signal: AbortSignal,
  ): Promise<CreateDownloadGrantsResponse>;
  /** Hands a report in. */
  publish(report: SignedRecord, signal: AbortSignal): Promise<void>;
  /** The reports that are published on an epoch, unchecked. */
  reports(epochId: string, signal: AbortSignal): AsyncIterable<SignedRecord>;
}

/** Largest number of miners that one call may name. */
export const MAX_HOTKEYS_PER_CALL = 256;

/** The server signs its pages of grants one by one before it answers. */
const GRANTS_TIMEOUT_MS = 120_000;

/** Runs a call; what fails becomes a ZipnetError, what was aborted the signal's reason. */
async function call<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    signal.throwIfAborted();
    throw fromConnectError(error);
  }
}

function incomplete(what: string): ZipnetError {
  return new ZipnetError("UNAVAILABLE", `the server's answer has no ${what}`);
}

/** The calls over clients; catalogues come over plain HTTP from the server's addresses. */
export function judgingCalls(
  clients: Pick<Clients, "judging" | "info">,
  catalogues: { readonly transfer: Transfer; readonly urls: readonly string[] },
): JudgingCalls {
  const { judging } = clients;
  return {
    info: (signal) => call(signal, () => clients.info.getServerInfo({}, { signal })),
    catalogue: async (sha256, signal) =>
      (await downloadCatalogue(catalogues.transfer, catalogues.urls, sha256, signal)).bytes,
    snapshot: (epochId, signal) =>
      call(signal, async () => {
        const { record } = await judging.getSnapshot({ epochId }, { signal });
        if (record === undefined) throw incomplete("snapshot");
        return record;
      }),
    downloadGrants: (epochId, hotkeys, pageToken, signal) =>
      call(signal, () =>
        judging.createDownloadGrants(
          { epochId, hotkeys: [...hotkeys], pageToken },
          { signal, timeoutMs: GRANTS_TIMEOUT_MS },
        ),
      ),
    publish: (report, signal) =>
      call(signal, async () => {
        await judging.publishReport({ report }, { signal });
      }),
    async *reports(epochId, signal) {
      let pageToken = "";
      do {
        const page = await call(signal, () => judging.listReports({ epochId, pageToken }, { signal }));
        yield* page.reports;
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
    },
  };
}
