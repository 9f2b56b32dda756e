/** Objects in a folder on the disk, with grants that this process serves itself. */
import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import type { Clock, Log, ObjectStore } from "../../../core/ports.js";
import { assertObjectKey, assertObjectPrefix } from "../keys.js";
import { openObjectFiles } from "./files.js";
import { openGrantSigner, type Grant } from "./grants.js";
import type { HttpRequest, HttpResponse } from "./http.js";
import { OBJECTS_PATH, objectsMount } from "./mount.js";

/** An object store and the mount that serves its grants. */
export interface FolderObjects extends ObjectStore {
  /** Requests whose path begins so are the mount's: "/objects/". */
  readonly pathPrefix: string;
  /** Serves a request of HTTP/1.1 or HTTP/2; false, and untouched, when it is not below pathPrefix. */
  handle(request: HttpRequest, response: HttpResponse): boolean;
}

/** What a folder store needs. */
export interface FolderObjectsOptions {
  /** Made when missing. Several processes may share it. */
  readonly dir: string;
  /** Where clients reach the mount, without a slash at the end; a function when it is known later than the store. */
  readonly publicUrl: string | (() => string);
  /** Says when a grant is over. */
  readonly clock: Pick<Clock, "now">;
  /** Told of failures of the disk while serving. */
  readonly log?: Log;
}

/** Opens the store. Rejects when the folder cannot be used. */
export async function openFolderObjects(options: FolderObjectsOptions): Promise<FolderObjects> {
  const { dir, publicUrl, clock } = options;
  await mkdir(dir, { recursive: true });
  const files = await openObjectFiles(dir, clock.now());
  const grants = await openGrantSigner(dir);
  const addressOf = (grant: Grant): string => {
    const base = typeof publicUrl === "string" ? publicUrl : publicUrl();
    return `${base}${OBJECTS_PATH}${grant.key}?${grants.query(grant)}`;
  };
  return {
    pathPrefix: OBJECTS_PATH,
    handle: objectsMount({ files, grants, clock, log: options.log }),
    // The folder has no place for content types: only the PUT of a grant is held to its own.
    async putIfAbsent(key, content, _contentType, signal) {
      assertObjectKey(key);
      if ((await files.find(key)) !== undefined) return false;
      const draft = await files.create();
      try {
        await draft.handle.writeFile(content);
        signal?.throwIfAborted();
        return await draft.publish(key, createHash("md5").update(content).digest("hex"));
      } finally {
        await draft.discard();
      }
    },
    // A file gets its name by a link, which the system gives once.
    hasConditionalPuts: async () => true,
    async replace(key, content, _contentType) {
      assertObjectKey(key);
      const draft = await files.create();
      try {
        await draft.handle.writeFile(content);
        await draft.replace(key, createHash("md5").update(content).digest("hex"));
      } finally {
        await draft.discard();
      }
    },
    async get(key) {
      assertObjectKey(key);
      return files.read(key);
    },
    async head(key) {
      assertObjectKey(key);
      const found = await files.find(key);
      return found === undefined ? undefined : files.info(found);
    },
    async *list(prefix, afterKey) {
      assertObjectPrefix(prefix);
      if (afterKey !== undefined) assertObjectKey(afterKey);
      for await (const key of files.keys(prefix, afterKey ?? "")) {
        const found = await files.find(key);
        if (found !== undefined) yield await files.info(found);
      }
    },
    async grantUpload(pins, expireTimeMs) {
      assertObjectKey(pins.key);
      const headers = [
        { name: "content-md5", value: Buffer.from(pins.md5, "hex").toString("base64") },
        { name: "content-type", value: pins.contentType },
        { name: "if-none-match", value: "*" },
      ];
      return { url: addressOf({ method: "PUT", expireTimeMs, ...pins }), headers };
    },
    async grantDownload(key, expireTimeMs) {
      assertObjectKey(key);
      return addressOf({ method: "GET", key, expireTimeMs });
    },
  };
}
