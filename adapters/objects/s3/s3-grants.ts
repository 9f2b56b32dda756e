/** Presigned addresses: S3 itself enforces what was granted, with nobody of ours in between. */
import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import type { Clock, ObjectStore } from "../../../core/ports.js";
import { assertObjectKey } from "../keys.js";
import type { S3Settings } from "./s3-url.js";

/** The longest that the signature's version allows. */
const MAX_GRANT_SECONDS = 7 * 24 * 3600;

/** The grants of an object store. Both reject with a RangeError when the moment is more than 7 days away. */
export function s3Grants(
  client: S3Client,
  settings: S3Settings,
  clock: Pick<Clock, "now">,
): Pick<ObjectStore, "grantUpload" | "grantDownload"> {
  return {
    async grantUpload(pins, expireTimeMs) {
      assertObjectKey(pins.key);
      const headers = [
        { name: "content-md5", value: Buffer.from(pins.md5, "hex").toString("base64") },
        { name: "content-type", value: pins.contentType },
        { name: "if-none-match", value: "*" },
      ];
      const command = new PutObjectCommand({
        Bucket: settings.bucket,
        Key: pins.key,
        ContentLength: pins.sizeBytes,
        ContentMD5: headers[0]?.value,
        ContentType: pins.contentType,
        IfNoneMatch: "*",
      });
      // A pin counts only as a signed header: signable to be signed at all, unhoistable to stay a header.
      const pinned = ["content-length", ...headers.map((header) => header.name)];
      const url = await getSignedUrl(client, command, {
        ...validity(clock.now(), expireTimeMs),
        signableHeaders: new Set(["host", ...pinned]),
        unhoistableHeaders: new Set(pinned),
      });
      return { url, headers };
    },
    async grantDownload(key, expireTimeMs) {
      assertObjectKey(key);
      const command = new GetObjectCommand({ Bucket: settings.bucket, Key: key });
      return getSignedUrl(client, command, validity(clock.now(), expireTimeMs));
    },
  };
}

/** Signatures know whole seconds only, and at least one: the grant never outlives the moment, and a past moment stays past. */
function validity(nowMs: number, expireTimeMs: number): { signingDate: Date; expiresIn: number } {
  const expireSeconds = Math.floor(expireTimeMs / 1000);
  const signedSeconds = Math.min(Math.floor(nowMs / 1000), expireSeconds - 1);
  const expiresIn = expireSeconds - signedSeconds;
  if (expiresIn > MAX_GRANT_SECONDS) throw new RangeError(`a grant may last 7 days at most, not ${expiresIn} seconds`);
  return { signingDate: new Date(signedSeconds * 1000), expiresIn };
}
