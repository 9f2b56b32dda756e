/** The one text that says which S3 bucket to use, with what key: for settings, flags and logs of tests. */

/** What it takes to use a bucket. */
export interface S3Settings {
  /** Scheme, host and port, for example "https://nyc3.digitaloceanspaces.com". */
  readonly endpoint: string;
  /** For example "us-east-1". */
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Whether the bucket is named in the path (true) or in the host name (false). */
  readonly forcePathStyle: boolean;
}

const FORM = "s3://ACCESS_KEY_ID:SECRET@host[:port]/bucket?region=us-east-1&tls=on|off&style=path|host";
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const PARAMETERS = new Set(["region", "tls", "style"]);

/**
 * Reads `s3://ACCESS_KEY_ID:SECRET@host:port/bucket?region=us-east-1&tls=off&style=path`. region defaults to
 * us-east-1, tls to on, style to path. Characters of the key that mean something in a URL are percent-encoded.
 * Throws a RangeError that names everything that is wrong and never holds the secret.
 */
export function parseS3Url(text: string): S3Settings {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.protocol !== "s3:") throw new RangeError(`the S3 address is not of the form ${FORM}`);
  const problems: string[] = [];
  const { searchParams } = url;
  const accessKeyId = decoded(url.username, "access key id", problems);
  const secretAccessKey = decoded(url.password, "secret", problems);
  const bucket = url.pathname.slice(1);
  if (url.hostname === "") problems.push("has no host");
  if (bucket === "") problems.push("has no bucket");
  else if (!BUCKET.test(bucket)) problems.push(`has the bucket "${bucket}", which is not a bucket name`);
  if (url.hash !== "") problems.push('has a "#", which must be percent-encoded in a secret');
  for (const name of new Set(searchParams.keys())) {
    if (!PARAMETERS.has(name))
      problems.push(`has the parameter "${name}", but knows only ${[...PARAMETERS].join(", ")}`);
  }
  const region = searchParams.get("region") ?? "us-east-1";
  if (!/^[a-z0-9-]+$/.test(region)) problems.push(`has the region "${region}", which is not a region name`);
  const tls = oneOf(searchParams, "tls", ["on", "off"], problems);
  const style = oneOf(searchParams, "style", ["path", "host"], problems);
  if (problems.length > 0) throw new RangeError(`the S3 address ${problems.join("; ")}. Its form is ${FORM}`);
  const endpoint = `${tls === "on" ? "https" : "http"}://${url.host}`;
  return { endpoint, region, bucket, accessKeyId, secretAccessKey, forcePathStyle: style === "path" };
}

/** The text that parseS3Url reads. It holds the secret. */
export function formatS3Url(settings: S3Settings): string {
  const { protocol, host } = new URL(settings.endpoint);
  const key = `${encodeURIComponent(settings.accessKeyId)}:${encodeURIComponent(settings.secretAccessKey)}`;
  const tls = protocol === "https:" ? "on" : "off";
  const style = settings.forcePathStyle ? "path" : "host";
  return `s3://${key}@${host}/${settings.bucket}?region=${settings.region}&tls=${tls}&style=${style}`;
}

function decoded(text: string, what: string, problems: string[]): string {
  if (text === "") problems.push(`has no ${what}`);
  try {
    return decodeURIComponent(text);
  } catch {
    problems.push(`has a badly percent-encoded ${what}`);
    return "";
  }
}

/** The parameter's value; the first of the allowed ones when it is not given. */
function oneOf(parameters: URLSearchParams, name: string, allowed: readonly string[], problems: string[]): string {
  const value = parameters.get(name) ?? allowed[0] ?? "";
  if (!allowed.includes(value)) problems.push(`has ${name}=${value}, which must be ${allowed.join(" or ")}`);
  return value;
}
