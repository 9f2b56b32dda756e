/**
 * Where the outside things are, as settings name them. Each answers undefined for text that is not in its form.
 */

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
