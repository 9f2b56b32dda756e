import { readFile } from "node:fs/promises";
import { decodeCatalogue } from "../core/catalogue.js";
import { sha256Hex } from "../core/hash.js";
import { RECORD_CONTENT_TYPE, catalogueKey } from "../core/object-keys.js";
import type { ObjectStore } from "../core/ports.js";
import type { NamedCatalogue } from "./parts.js";
import type { CataloguePlace } from "./places.js";

/**
 * Loads the catalogue and sees to it that the store holds it, so that everybody can recompute the draw. Throws an Error
 * that says what is wrong with it.
 */
export async function loadCatalogue(place: CataloguePlace, objects: ObjectStore): Promise<NamedCatalogue> {
  const where = place.kind === "file" ? `the catalogue file ${place.path}` : `the stored catalogue ${place.sha256}`;
  const bytes =
    place.kind === "file" ? await readFromFile(place.path, where) : await objects.get(catalogueKey(place.sha256));
  if (bytes === undefined) {
    throw new Error(`${where} is not in the object store; start once with its file, which stores it`);
  }
  const sha256 = sha256Hex(bytes);
  let catalogue;
  try {
    catalogue = decodeCatalogue(bytes);
  } catch (cause) {
    throw new Error(`${where} is not valid: ${String(cause)}; make one with "zipnet catalogue import"`, { cause });
  }
  await objects.putIfAbsent(catalogueKey(sha256), bytes, RECORD_CONTENT_TYPE);
  return { catalogue, sha256 };
}

async function readFromFile(path: string, where: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    throw new Error(`${where} cannot be read: ${String(cause)}`, { cause });
  }
}
