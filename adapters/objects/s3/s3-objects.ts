/** Objects in an S3 bucket: DigitalOcean Spaces, AWS, Ceph, R2. */
import { createHash } from "node:crypto";
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3ServiceException,
  type S3Client,
} from "@aws-sdk/client-s3";
import { ZipnetError } from "../../../core/errors.js";
import { PROBE_KEY, RECORD_CONTENT_TYPE } from "../../../core/object-keys.js";
import type { Clock, ObjectInfo, ObjectStore } from "../../../core/ports.js";
import { assertObjectKey, assertObjectPrefix } from "../keys.js";
import { s3Client } from "./s3-client.js";
import { s3Grants } from "./s3-grants.js";
import type { S3Settings } from "./s3-url.js";

/** Opens a bucket, which must exist. Nothing is sent before the first call. The clock says from when a grant counts. */
export function s3Objects(settings: S3Settings, clock: Pick<Clock, "now">): ObjectStore {
  const client = s3Client(settings);
  const where = `${settings.endpoint} bucket ${settings.bucket}`;

  const putOf = (key: string, content: Uint8Array, contentType: string) => ({
    Bucket: settings.bucket,
    Key: key,
    Body: content,
    ContentLength: content.byteLength,
    ContentType: contentType,
    ContentMD5: createHash("md5").update(content).digest("base64"),
  });

  async function put(key: string, content: Uint8Array, contentType: string, signal?: AbortSignal): Promise<boolean> {
    const command = new PutObjectCommand({ ...putOf(key, content, contentType), IfNoneMatch: "*" });
    const options = signal === undefined ? {} : { abortSignal: signal };
    // Two writers at the same moment: S3 may tell one to ask again. The winner is there by the next try or the one after.
    for (let attempt = 1; ; attempt += 1) {
      try {
        await client.send(command, options);
        return true;
      } catch (error) {
        if (statusOf(error) === 412) return false;
        if (statusOf(error) !== 409 || attempt === CONFLICT_ATTEMPTS) throw unavailable(where, `write ${key}`, error);
      }
    }
  }

  async function info(key: string, sizeBytes: number | undefined, etag: string | undefined): Promise<ObjectInfo> {
    const md5 = (etag ?? "").replaceAll('"', "").toLowerCase();
    return {
      key,
      sizeBytes: sizeBytes ?? 0,
      md5: /^[0-9a-f]{32}$/.test(md5) ? md5 : await md5OfContent(client, settings, key),
    };
  }

  return {
    async putIfAbsent(key, content, contentType, signal) {
      assertObjectKey(key);
      return put(key, content, contentType, signal);
    },
    async hasConditionalPuts() {
      // The second of two must be refused; where the object is there from an earlier start, the first is.
      const isWritten = async (): Promise<boolean> => put(PROBE_KEY, new Uint8Array(), RECORD_CONTENT_TYPE);
      return !((await isWritten()) && (await isWritten()));
    },
    async replace(key, content, contentType) {
      assertObjectKey(key);
      try {
        await client.send(new PutObjectCommand(putOf(key, content, contentType)));
      } catch (error) {
        throw unavailable(where, `write ${key}`, error);
      }
    },
    async get(key) {
      assertObjectKey(key);
      return orMissing(where, `read ${key}`, async () => {
        const answer = await client.send(new GetObjectCommand({ Bucket: settings.bucket, Key: key }));
        return (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
      });
    },
    async head(key) {
      assertObjectKey(key);
      return orMissing(where, `look at ${key}`, async () => {
        const answer = await client.send(new HeadObjectCommand({ Bucket: settings.bucket, Key: key }));
        return info(key, answer.ContentLength, answer.ETag);
      });
    },
    async *list(prefix, afterKey) {
      assertObjectPrefix(prefix);
      if (afterKey !== undefined) assertObjectKey(afterKey);
      const input = {
        Bucket: settings.bucket,
        Prefix: prefix,
        ...(afterKey === undefined ? {} : { StartAfter: afterKey }),
      };
      try {
        for await (const page of paginateListObjectsV2({ client }, input)) {
          const entries = (page.Contents ?? []).map(({ Key = "", Size, ETag }) => info(Key, Size, ETag));
          yield* await Promise.all(entries);
        }
      } catch (error) {
        throw unavailable(where, `list ${prefix}`, error);
      }
    },
    ...s3Grants(client, settings, clock),
  };
}

/** Creates the bucket unless it is there already. Rejects with UNAVAILABLE when the service does not let it. */
export async function ensureBucket(settings: S3Settings): Promise<void> {
  const client = s3Client(settings);
  const where = `${settings.endpoint} bucket ${settings.bucket}`;
  try {
    const there = await orMissing(where, "look", () => client.send(new HeadBucketCommand({ Bucket: settings.bucket })));
    if (there === undefined) await client.send(new CreateBucketCommand({ Bucket: settings.bucket }));
  } catch (error) {
    if (error instanceof S3ServiceException && error.name === "BucketAlreadyOwnedByYou") return;
    throw error instanceof ZipnetError ? error : unavailable(where, "create the bucket", error);
  } finally {
    client.destroy();
  }
}

const CONFLICT_ATTEMPTS = 10;

/** Where the ETag is not the MD5: an object that was uploaded in parts or encrypted by someone else's tool. */
async function md5OfContent(client: S3Client, settings: S3Settings, key: string): Promise<string> {
  const answer = await client.send(new GetObjectCommand({ Bucket: settings.bucket, Key: key }));
  const hash = createHash("md5");
  if (answer.Body !== undefined) for await (const chunk of answer.Body as AsyncIterable<Uint8Array>) hash.update(chunk);
  return hash.digest("hex");
}

/** What the call gives; undefined when the service says that there is no such thing. */
async function orMissing<T>(where: string, what: string, call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (statusOf(error) === 404 && (error as Error).name !== "NoSuchBucket") return undefined;
    throw unavailable(where, what, error);
  }
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

/** The SDK's error stays out of `cause`: it carries the whole request, authorization included. */
function unavailable(where: string, what: string, error: unknown): ZipnetError {
  if (error instanceof ZipnetError) return error;
  const status = statusOf(error);
  const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new ZipnetError(
    "UNAVAILABLE",
    `S3 at ${where} could not ${what}: ${status === undefined ? "" : `HTTP ${status} `}${said}`,
  );
}
