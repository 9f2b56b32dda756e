/**
 * What a miner asks of the server so that it can do without it later. All fail with ZipnetError, or the signal's reason.
 */
import { ZipnetError } from "../../core/errors.js";
import type { Transfer } from "../../core/ports.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import type { GetServerInfoResponse } from "../../gen/zipnet/v1/server_info_service_pb.js";
import { downloadCatalogue } from "../../rpc/catalogues/download.js";
import type { Clients } from "../../rpc/client/client.js";
import { fromConnectError } from "../../rpc/errors.js";

/** A page of epochs. */
interface EpochPage {
  /** Newest first, unchecked. */
  readonly records: readonly SignedRecord[];
  /** Empty on the last. */
  readonly nextPageToken: string;
}

/** The calls. */
export interface DeploymentCalls {
  /** What the server announces for the next epoch, among other things. */
  info(signal: AbortSignal): Promise<GetServerInfoResponse>;
  /** A page of epochs. An empty token asks for the newest. */
  epochPage(pageToken: string, signal: AbortSignal): Promise<EpochPage>;
  /** Bytes with this SHA-256, from the server or a relay. */
  catalogue(sha256: string, signal: AbortSignal): Promise<Uint8Array>;
}

/** As many epochs per page as the contract allows. */
const PAGE_SIZE = 100;

/** The calls over clients; catalogues come from the first of the addresses that has them. */
export function deploymentCalls(
  clients: Pick<Clients, "epochs" | "info">,
  transfer: Pick<Transfer, "get">,
  urls: readonly string[],
): DeploymentCalls {
  async function call<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof ZipnetError ? error : fromConnectError(error);
    }
  }
  return {
    info: (signal) => call(signal, () => clients.info.getServerInfo({}, { signal })),
    epochPage: (pageToken, signal) =>
      call(signal, async () => {
        const page = await clients.epochs.listEpochs({ pageSize: PAGE_SIZE, pageToken }, { signal });
        const records = page.epochs.map(({ record }) => record).filter((record) => record !== undefined);
        return { records, nextPageToken: page.nextPageToken };
      }),
    catalogue: async (sha256, signal) => (await downloadCatalogue(transfer, urls, sha256, signal)).bytes,
  };
}
