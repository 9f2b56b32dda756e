import { messageOf } from "../core/errors.js";
import { readFile } from "node:fs/promises";
import { decodeCatalogue } from "../core/catalogue.js";
import { sha256Hex } from "../core/hash.js";
import { RECORD_CONTENT_TYPE, catalogueKey } from "../core/object-keys.js";
import type { ObjectStore } from "../core/ports.js";
import type { NamedCatalogue } from "./parts.js";
import type { CataloguePlace } from "./places.js";

/** A catalogue with the bytes that its name is the hash of. */
interface ReadCatalogue extends NamedCatalogue {
  readonly bytes: Uint8Array;
}

/**
 * Reads the catalogue where it is a file, before anything else is opened, so that a wrong one leaves nothing behind. The
 * function that it answers sees to it that the store holds the catalogue, so that everybody can recompute the draw.
 * Both throw an Error that says what is wrong.
 */
export async function openCatalogue(place: CataloguePlace): Promise<(objects: ObjectStore) => Promise<NamedCatalogue>> {
  const read = place.kind === "file" ? await readFromFile(place.path) : place.sha256;
  return async (objects) => {
    const { bytes, catalogue, sha256 } = typeof read === "string" ? await readFromStore(read, objects) : read;
    await objects.putIfAbsent(catalogueKey(sha256), bytes, RECORD_CONTENT_TYPE);
    return { catalogue, sha256 };
  };
}

function decoded(bytes: Uint8Array, where: string): ReadCatalogue {
  try {
    return { bytes, catalogue: decodeCatalogue(bytes), sha256: sha256Hex(bytes) };
  } catch (cause) {
    throw new Error(`${where} is not valid: ${messageOf(cause)}; make one with "zipnet catalogue import"`, { cause });
  }
}

async function readFromFile(path: string): Promise<ReadCatalogue> {
  const where = `the catalogue file ${path}`;
  let bytes;
  try {
    bytes = new Uint8Array(await readFile(path));
  } catch (cause) {
    throw new Error(`${where} cannot be read: ${messageOf(cause)}`, { cause });
  }
  return decoded(bytes, where);
}

async function readFromStore(sha256: string, objects: ObjectStore): Promise<ReadCatalogue> {
  const where = `the stored catalogue ${sha256}`;
  const bytes = await objects.get(catalogueKey(sha256));
  if (bytes === undefined) {
    throw new Error(`${where} is not in the object store; start once with its file, which stores it`);
  }
  return decoded(bytes, where);
}
