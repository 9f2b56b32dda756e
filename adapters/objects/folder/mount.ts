/** Serves the addresses of grants. Enforces what S3 enforces: nothing is read, written or listed without a grant. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { Clock, Log, UploadPins } from "../../../core/ports.js";
import { assertObjectKey } from "../keys.js";
import type { DraftFile, ObjectFiles } from "./files.js";
import type { Grant, GrantSigner } from "./grants.js";
import { answerText, bodyOf, cutOff, rangeOf, Refusal, type HttpRequest, type HttpResponse } from "./http.js";

/** Path below which grants are served. */
export const OBJECTS_PATH = "/objects/";

/** How long one upload may take. */
const UPLOAD_TIMEOUT_MS = 15 * 60 * 1000;

/** What the mount works on. */
export interface MountParts {
  readonly files: ObjectFiles;
  readonly grants: GrantSigner;
  readonly clock: Pick<Clock, "now">;
  readonly log: Log | undefined;
}

/** A handler that takes the requests below OBJECTS_PATH and leaves all others: whether it took the request. */
export function objectsMount(parts: MountParts): (request: HttpRequest, response: HttpResponse) => boolean {
  return (request, response) => {
    if (!(request.url ?? "").startsWith(OBJECTS_PATH)) return false;
    // A client that went away is noticed where its body is read or its answer written.
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    void serve(parts, request, response).catch((error: unknown) => {
      if (error instanceof Refusal) return answerText(request, response, error.status, error.message);
      if (!request.destroyed && !request.aborted) parts.log?.error({ err: error }, "serving an object failed");
      answerText(request, response, 500, "the object store failed");
    });
    return true;
  };
}

async function serve(parts: MountParts, request: HttpRequest, response: HttpResponse): Promise<void> {
  const grant = grantOf(parts, request);
  if (grant.method === "GET") return sendObject(parts, grant, request, response);
  assertPinnedHeaders(grant, request);
  // Taken already: said before the body is sent. Whoever comes between is found by publish.
  if ((await parts.files.find(grant.key)) !== undefined) throw taken(grant.key);
  const draft = await parts.files.create();
  try {
    await receive(grant, request, draft);
    assertInTime(parts, grant);
    if (!(await draft.publish(grant.key, grant.md5))) throw taken(grant.key);
  } finally {
    await draft.discard();
  }
  response.statusCode = 200;
  response.setHeader("etag", `"${grant.md5}"`);
  response.end();
}

/** The grant in the address, when it is ours, still counts and allows the method. */
function grantOf(parts: MountParts, request: HttpRequest): Grant {
  const [path, query] = splitOnce(request.url ?? "", "?");
  const grant = parts.grants.read(keyOfPath(path), new URLSearchParams(query));
  if (grant === undefined) throw new Refusal(403, "the address is not a grant of this store, or was altered");
  const method = request.method === "HEAD" ? "GET" : request.method;
  if (method !== grant.method)
    throw new Refusal(403, `the grant allows ${grant.method}, not ${request.method ?? "this"}`);
  assertInTime(parts, grant);
  return grant;
}

function assertInTime(parts: MountParts, grant: Grant): void {
  if (parts.clock.now() < grant.expireTimeMs) return;
  throw new Refusal(403, `the grant expired at ${new Date(grant.expireTimeMs).toISOString()}; ask for a new one`);
}

function keyOfPath(path: string): string {
  try {
    const key = decodeURIComponent(path.slice(OBJECTS_PATH.length));
    assertObjectKey(key);
    return key;
  } catch {
    throw new Refusal(400, "the path does not hold an object key");
  }
}

function assertPinnedHeaders(pins: UploadPins, request: HttpRequest): void {
  const { headers } = request;
  if (headers["content-length"] === undefined) throw new Refusal(411, "the upload must say its content-length");
  const pinned = {
    "content-length": String(pins.sizeBytes),
    "content-md5": Buffer.from(pins.md5, "hex").toString("base64"),
    "content-type": pins.contentType,
    "if-none-match": "*",
  };
  for (const [name, value] of Object.entries(pinned)) {
    const sent = headers[name];
    if (sent !== value)
      throw new Refusal(
        403,
        `the grant is for ${name} "${value}", not ${sent === undefined ? "none" : `"${String(sent)}"`}`,
      );
  }
}

/** Writes the body into the draft; a Refusal when it is not what was granted. */
async function receive(pins: UploadPins, request: HttpRequest, draft: DraftFile): Promise<void> {
  const timeout = AbortSignal.timeout(UPLOAD_TIMEOUT_MS);
  const giveUp = (): void => cutOff(request);
  timeout.addEventListener("abort", giveUp, { once: true });
  try {
    const hash = createHash("md5");
    let sizeBytes = 0;
    for await (const chunk of bodyOf(request)) {
      sizeBytes += chunk.length;
      if (sizeBytes > pins.sizeBytes) break;
      hash.update(chunk);
      await draft.handle.appendFile(chunk);
    }
    if (sizeBytes !== pins.sizeBytes) throw new Refusal(400, `the content is not ${pins.sizeBytes} bytes long`);
    const md5 = hash.digest("hex");
    if (md5 !== pins.md5) throw new Refusal(400, `the content's MD5 is ${md5}, not ${pins.md5}`);
  } finally {
    timeout.removeEventListener("abort", giveUp);
  }
}

async function sendObject(
  parts: MountParts,
  grant: Grant,
  request: HttpRequest,
  response: HttpResponse,
): Promise<void> {
  const found = await parts.files.find(grant.key);
  if (found === undefined) throw new Refusal(404, `there is no object ${grant.key}`);
  const { sizeBytes, md5 } = await parts.files.info(found);
  const range = rangeOf(request.headers.range, sizeBytes);
  const { start, end } = range ?? { start: 0, end: sizeBytes - 1 };
  response.statusCode = range === undefined ? 200 : 206;
  if (range !== undefined) response.setHeader("content-range", `bytes ${start}-${end}/${sizeBytes}`);
  response.setHeader("accept-ranges", "bytes");
  response.setHeader("content-length", String(end - start + 1));
  response.setHeader("content-type", "application/octet-stream");
  response.setHeader("x-content-type-options", "nosniff");
  response.setHeader("etag", `"${md5}"`);
  if (request.method === "HEAD" || sizeBytes === 0) return void response.end();
  await pipeline(createReadStream(found.path, { start, end }), response);
}

function taken(key: string): Refusal {
  return new Refusal(412, `there is an object ${key} already; it is never replaced`);
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}
