import { readFile } from "node:fs/promises";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { type RawSettings, parse, readSettings, setting } from "../../../adapters/settings/settings.js";
import { fetchTransfer } from "../../../adapters/transfer/fetch-transfer.js";
import { decodeCatalogue } from "../../../core/catalogue.js";
import { messageOf } from "../../../core/errors.js";
import { sha256Hex } from "../../../core/hash.js";
import type { Catalogue } from "../../../gen/zipnet/v1/epoch_pb.js";
import { ServerInfoService } from "../../../gen/zipnet/v1/server_info_service_pb.js";
import { downloadCatalogue } from "../../../rpc/catalogues/download.js";
import { fromConnectError } from "../../../rpc/errors.js";

/** Where catalogues come from that are no files. */
export const SERVER_SETTINGS = {
  serverUrl: setting("Address of the server or of a relay; several are separated by commas.", parse.urls()),
};

/** How a catalogue can be named, for help texts. */
export const CATALOGUE_NAME =
  'a file, or with --server-url the SHA-256 of a catalogue or "next" for the one that the next epoch will be drawn from';

/** A catalogue, however it was named. */
export interface NamedCatalogue {
  /** The file or the hash, as it was given. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly catalogue: Catalogue;
}

/** Whether a name is one of a catalogue that a server has to be asked for. */
export function isServed(name: string): boolean {
  return name === "next" || /^[0-9a-f]{64}$/.test(name);
}

/** The catalogue in a file, or from the server that the settings name. Throws an Error that says what is wrong. */
export async function openNamed(name: string, raw: RawSettings, signal: AbortSignal): Promise<NamedCatalogue> {
  if (!isServed(name)) return await readNamed(name);
  const { serverUrl: urls } = readSettings(SERVER_SETTINGS, raw);
  const sha256 = name === "next" ? await announcedBy(urls[0] ?? "", signal) : name;
  return { name, sha256, ...(await downloadCatalogue(fetchTransfer(), urls, sha256, signal)) };
}

async function readNamed(path: string): Promise<NamedCatalogue> {
  try {
    const bytes = new Uint8Array(await readFile(path));
    return { name: path, bytes, sha256: sha256Hex(bytes), catalogue: decodeCatalogue(bytes) };
  } catch (cause) {
    throw new Error(`the catalogue ${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** The hash of the catalogue that the next epoch will be drawn from, by the server's word. */
async function announcedBy(serverUrl: string, signal: AbortSignal): Promise<string> {
  const info = createClient(ServerInfoService, createGrpcTransport({ baseUrl: serverUrl }));
  const { catalogueSha256 } = await info.getServerInfo({}, { signal }).catch((error: unknown) => {
    throw fromConnectError(error);
  });
  if (catalogueSha256 !== "") return catalogueSha256;
  throw new Error(
    `${serverUrl} announces no catalogue: it is a relay; ask the server, or give a SHA-256 instead of "next"`,
  );
}
