import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { systemClock } from "../../../adapters/clock/system-clock.js";
import { s3Objects } from "../../../adapters/objects/s3/s3-objects.js";
import { parseS3Url } from "../../../adapters/objects/s3/s3-url.js";
import {
  type RawSettings,
  environmentName,
  flagName,
  parse,
  readSettings,
  setting,
} from "../../../adapters/settings/settings.js";
import { fetchTransfer } from "../../../adapters/transfer/fetch-transfer.js";
import { decodeCatalogue } from "../../../core/catalogue.js";
import { messageOf } from "../../../core/errors.js";
import { sha256Hex } from "../../../core/hash.js";
import { catalogueKey } from "../../../core/object-keys.js";
import type { Catalogue } from "../../../gen/zipnet/v1/epoch_pb.js";
import { ServerInfoService } from "../../../gen/zipnet/v1/server_info_service_pb.js";
import { downloadCatalogue } from "../../../rpc/catalogues/download.js";
import { fromConnectError } from "../../../rpc/errors.js";
import { type ObjectsPlace, readObjectsPlace } from "../../../server/places.js";

/** Where catalogues come from that are no files. */
export const PLACE_SETTINGS = {
  serverUrl: setting(
    "Address of the server or of a relay that has the catalogue; several are separated by commas.",
    parse.optionalCustom("http:// or https:// addresses, separated by commas", (text) => {
      const read = parse.urls().safeParse(text);
      return read.success ? read.data : undefined;
    }),
  ),
  objects: setting(
    'Object store that has the catalogue: "folder:DIR", or "s3://KEY:SECRET@host/bucket?region=...".',
    parse.optionalCustom('"folder:DIR" or "s3://KEY:SECRET@host/bucket"', readObjectsPlace),
    { secret: true },
  ),
};

/** Those settings as flags. */
export type PlaceFlags = { readonly [K in keyof typeof PLACE_SETTINGS]?: string };

/** How a catalogue can be named, for help texts. */
export const CATALOGUE_NAME =
  'a file; or with --server-url or --objects the SHA-256 of a catalogue; or with --server-url "next" for the one that ' +
  "the next epoch will be drawn from";

/** A catalogue, however it was named. */
export interface NamedCatalogue {
  /** The file or the hash, as it was given. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly catalogue: Catalogue;
}

/** Whether a name is one of a catalogue that a server or an object store has. */
export function isKept(name: string): boolean {
  return name === "next" || /^[0-9a-f]{64}$/.test(name);
}

/** The catalogue in a file, or from the place that the settings name. Throws an Error that says what is wrong. */
export async function openNamed(name: string, raw: RawSettings, signal: AbortSignal): Promise<NamedCatalogue> {
  if (!isKept(name)) return await readNamed(name);
  const { serverUrl: urls = [], objects } = readSettings(PLACE_SETTINGS, raw);
  const [url] = urls;
  if (url === undefined && (objects === undefined || name === "next")) {
    const orStore = name === "next" ? "" : ` or ${flagName("objects")} (${environmentName("objects")})`;
    throw new Error(`${name} is no file: give ${flagName("serverUrl")} (${environmentName("serverUrl")})${orStore}`);
  }
  const sha256 = name === "next" ? await announcedBy(url ?? "", signal) : name;
  if (objects === undefined)
    return { name, sha256, ...(await downloadCatalogue(fetchTransfer(), urls, sha256, signal)) };
  return { name, ...(await readStored(sha256, objects)) };
}

async function readStored(sha256: string, place: ObjectsPlace): Promise<Omit<NamedCatalogue, "name">> {
  const key = catalogueKey(sha256);
  const bytes =
    place.kind === "folder"
      ? (await readNamed(join(place.dir, key))).bytes
      : await s3Objects(parseS3Url(place.url), systemClock).get(key);
  if (bytes === undefined) throw new Error(`there is no catalogue ${sha256} in the object store`);
  const actual = sha256Hex(bytes);
  if (actual === sha256) return { bytes, sha256, catalogue: decodeCatalogue(bytes) };
  throw new Error(`the object store has other bytes under the name of the catalogue ${sha256}: they hash to ${actual}`);
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
