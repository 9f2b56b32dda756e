/**
 * Gets a catalogue by its hash from whoever serves it, server or relay, trusting neither.
 */
import { decodeCatalogue } from "../../core/catalogue.js";
import { ZipnetError } from "../../core/errors.js";
import { sha256Hex } from "../../core/hash.js";
import type { Transfer } from "../../core/ports.js";
import type { Catalogue } from "../../gen/zipnet/v1/epoch_pb.js";

/** Path below which catalogues are served, each by its SHA-256. */
export const CATALOGUES_PATH = "/catalogues/";

/** No catalogue is larger: 100,000 zip codes with long names stay below. */
const MAX_CATALOGUE_BYTES = 67_108_864;

/** A catalogue with the bytes that its name is the hash of. */
export interface DownloadedCatalogue {
  readonly bytes: Uint8Array;
  readonly catalogue: Catalogue;
}

/**
 * Downloads a catalogue from the first of these servers and relays that has it. urls: their addresses, without a slash
 * at the end. Rejects with what was wrong with the last one: UNAVAILABLE or OBJECT_MISSING as Transfer.get,
 * OBJECT_DIFFERS where the bytes have another hash, INVALID_FIELD where they are no catalogue; or with the signal's reason.
 */
export async function downloadCatalogue(
  transfer: Pick<Transfer, "get">,
  urls: readonly string[],
  sha256: string,
  signal: AbortSignal,
): Promise<DownloadedCatalogue> {
  let failure = new ZipnetError("UNAVAILABLE", `there is no address to get the catalogue ${sha256} from`);
  for (const url of urls) {
    try {
      const address = `${url}${CATALOGUES_PATH}${sha256}`;
      const bytes = await transfer.get(address, MAX_CATALOGUE_BYTES, signal);
      const actual = sha256Hex(bytes);
      if (actual === sha256) return { bytes, catalogue: decodeCatalogue(bytes) };
      throw new ZipnetError("OBJECT_DIFFERS", `${address} gives other bytes, whose SHA-256 is ${actual}`);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ZipnetError)) throw error;
      failure = error;
    }
  }
  throw failure;
}
