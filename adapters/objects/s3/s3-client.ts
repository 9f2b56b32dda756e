/** The SDK's client, set up so that every S3 service understands it. */
import { S3Client } from "@aws-sdk/client-s3";
import type { S3Settings } from "./s3-url.js";

const CONNECT_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 60_000;
const MAX_ATTEMPTS = 5;

/** A client of the settings' service and key. */
export function s3Client(settings: S3Settings): S3Client {
  // The SDK's own switch for its note on Node versions to come; which Node is supported stands in package.json.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  return new S3Client({
    endpoint: settings.endpoint,
    region: settings.region,
    forcePathStyle: settings.forcePathStyle,
    credentials: { accessKeyId: settings.accessKeyId, secretAccessKey: settings.secretAccessKey },
    // The SDK's default checksums come as trailers that services other than AWS refuse or store as content.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    // A busy service says 503 "Slow Down": the SDK asks again, with growing pauses.
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
  });
}
