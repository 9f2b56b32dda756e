/** Deleting old listings from a bucket: by a lifecycle rule, which the service itself carries out. */
import {
  DeleteBucketLifecycleCommand,
  GetBucketLifecycleConfigurationCommand,
  type LifecycleRule,
  PutBucketLifecycleConfigurationCommand,
  type S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { ZipnetError } from "../../../core/errors.js";
import type { DataRetention } from "../../../core/ports.js";
import { s3Client } from "./s3-client.js";
import type { S3Settings } from "./s3-url.js";

/** Name of our rule in the bucket's configuration. */
const RULE_ID = "zipnet-data";
/** What the rule is about, and nothing else ever. */
const DATA_PREFIX = "data/";

/**
 * Keeps one rule of its own in the bucket's lifecycle configuration; other rules there stay as they are. The service
 * counts days from each upload and rounds up, so nothing goes earlier than the rule says.
 */
export function s3Retention(settings: S3Settings): DataRetention {
  const where = `${settings.endpoint} bucket ${settings.bucket}`;
  return {
    async apply({ keepDays }, dryRun) {
      const client = s3Client(settings);
      try {
        const found = await readRules(client, settings.bucket);
        const wanted = keepDays === 0 ? [] : [ruleOf(keepDays)];
        const changes = !saysTheSame(found, keepDays);
        if (changes && !dryRun) await writeRules(client, settings.bucket, [...found.filter(isOther), ...wanted]);
        return { kind: "lifecycle", changes };
      } catch (error) {
        throw unavailable(where, error);
      } finally {
        client.destroy();
      }
    },
  };
}

const isOther = ({ ID: id }: LifecycleRule): boolean => id !== RULE_ID;

function ruleOf(keepDays: number): LifecycleRule {
  return { ID: RULE_ID, Status: "Enabled", Filter: { Prefix: DATA_PREFIX }, Expiration: { Days: keepDays } };
}

/** Whether our rule among these is the one for so many days; for 0, whether there is none. */
function saysTheSame(rules: readonly LifecycleRule[], keepDays: number): boolean {
  const own = rules.filter((rule) => !isOther(rule));
  const [rule] = own;
  if (rule === undefined) return keepDays === 0;
  const prefix = rule.Filter?.Prefix;
  return own.length === 1 && rule.Status === "Enabled" && prefix === DATA_PREFIX && rule.Expiration?.Days === keepDays;
}

async function readRules(client: S3Client, bucket: string): Promise<readonly LifecycleRule[]> {
  try {
    return (await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }))).Rules ?? [];
  } catch (error) {
    if (error instanceof S3ServiceException && error.name === "NoSuchLifecycleConfiguration") return [];
    throw error;
  }
}

async function writeRules(client: S3Client, bucket: string, rules: readonly LifecycleRule[]): Promise<void> {
  if (rules.length === 0) {
    await client.send(new DeleteBucketLifecycleCommand({ Bucket: bucket }));
    return;
  }
  const configuration = { Rules: [...rules] };
  await client.send(
    new PutBucketLifecycleConfigurationCommand({ Bucket: bucket, LifecycleConfiguration: configuration }),
  );
}

/** The SDK's error stays out of `cause`: it carries the whole request, authorization included. */
function unavailable(where: string, error: unknown): ZipnetError {
  const status = error instanceof S3ServiceException ? `HTTP ${error.$metadata.httpStatusCode ?? "?"} ` : "";
  const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new ZipnetError("UNAVAILABLE", `S3 at ${where} could not be given its lifecycle rule: ${status}${said}`);
}
