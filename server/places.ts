/**
 * Where the outside things are, as settings name them. Each answers undefined for text that is not in its form.
 */
import { hexToBytes } from "../core/hash.js";

/** Where objects are kept. */
export type ObjectsPlace =
  /** A folder; the server serves the grants itself. */
  | { readonly kind: "folder"; readonly dir: string }
  /** A bucket; the whole address with its key. */
  | { readonly kind: "s3"; readonly url: string };

/** Reads `folder:<dir>` or `s3://...`. */
export function readObjectsPlace(text: string): ObjectsPlace | undefined {
  if (text.startsWith("s3://")) return { kind: "s3", url: text };
  const dir = text.startsWith("folder:") ? text.slice("folder:".length) : "";
  return dir === "" ? undefined : { kind: "folder", dir };
}

/** Where the cache is. */
export type CachePlace = { readonly kind: "memory" } | { readonly kind: "redis"; readonly url: string };

/** Reads `memory`, `redis://...` or `rediss://...`. */
export function readCachePlace(text: string): CachePlace | undefined {
  if (text === "memory") return { kind: "memory" };
  return /^rediss?:\/\/./.test(text) && URL.canParse(text) ? { kind: "redis", url: text } : undefined;
}

/** Where the catalogue is. */
export type CataloguePlace =
  | { readonly kind: "file"; readonly path: string }
  /** In the object store, by the SHA-256 of its bytes. */
  | { readonly kind: "stored"; readonly sha256: string };

/** Reads the SHA-256 of a stored catalogue, or the path of a file. */
export function readCataloguePlace(text: string): CataloguePlace {
  return /^[0-9a-f]{64}$/.test(text) ? { kind: "stored", sha256: text } : { kind: "file", path: text };
}

/** A key of resume tokens: the wallet's own, or 32 bytes. */
export type TokenKey = "wallet" | Uint8Array;

/** One or two token keys; undefined for what is not in the form. */
export function readTokenKeys(text: string): readonly [TokenKey, ...TokenKey[]] | undefined {
  const keys: TokenKey[] = [];
  for (const word of text.split(",").map((part) => part.trim())) {
    if (word !== "wallet" && !/^[0-9a-fA-F]{64}$/.test(word)) return undefined;
    keys.push(word === "wallet" ? word : hexToBytes(word));
  }
  const [first, ...others] = keys;
  return first === undefined || others.length > 1 ? undefined : [first, ...others];
}
