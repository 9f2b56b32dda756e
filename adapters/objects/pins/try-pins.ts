/**
 * Finds out what a store's service really holds of what grants pin, by trying each pin as a stranger would. Leaves
 * nothing but a few small objects under fixed keys, and whatever a service takes that it ought to refuse.
 */
import { createHash, randomUUID } from "node:crypto";
import { messageOf, ZipnetError } from "../../../core/errors.js";
import { DATA_CONTENT_TYPE, PROBE_KEY, RECORD_CONTENT_TYPE, TRIAL_PREFIX } from "../../../core/object-keys.js";
import type { Clock, ObjectStore } from "../../../core/ports.js";
import { BAD_PUTS, CONTENT } from "./bad-puts.js";
import { findingOf, type PinFinding, type PinName, type TriedCase } from "../../../core/upload-pins.js";
import { type BareRequest, sendBare } from "./send.js";

const GRANT_MS = 5 * 60_000;
/** Clocks may differ by less than this. */
const EXPIRED_MS = 60_000;

/** What a trial works with. */
interface Trial {
  readonly objects: ObjectStore;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

type NamedCase = TriedCase & { readonly pin: PinName };

/**
 * What the service holds, pin by pin. Rejects with UNAVAILABLE when grants do not work there at all; a question that the
 * service does not answer, also because the signal is aborted, is "unknown".
 */
export async function tryPins(
  objects: ObjectStore,
  clock: Pick<Clock, "now">,
  signal: AbortSignal,
): Promise<PinFinding[]> {
  const trial: Trial = { objects, nowMs: clock.now(), signal };
  const isConditional = await objects.hasConditionalPuts();
  const taken = await takenKey(trial);
  const groups = await Promise.all([badPuts(trial), expiredPut(trial), reading(trial), listing(trial)]);
  const conditional: NamedCase = {
    pin: "conditional_puts",
    what: "a record written twice",
    answer: isConditional ? "the second is refused" : "the second replaces the first",
    held: isConditional,
  };
  const cases = [...groups.flat(), taken, conditional];
  const pins = [...new Set(cases.map(({ pin }) => pin))];
  return pins.map((pin) =>
    findingOf(
      pin,
      cases.filter((one) => one.pin === pin),
    ),
  );
}

/** The granted PUT to a key that is taken. It also shows whether grants work at all. */
async function takenKey(trial: Trial): Promise<NamedCase> {
  const { status } = await sendBare(await grantedPut(trial, PROBE_KEY), trial.signal);
  if (status !== 412 && !isSuccess(status)) {
    throw new ZipnetError("UNAVAILABLE", `the service answered HTTP ${status} to the PUT of a good grant`);
  }
  return { pin: "if_none_match", what: "a grant used for a taken key", answer: `HTTP ${status}`, held: status === 412 };
}

async function badPuts(trial: Trial): Promise<NamedCase[]> {
  const attempt = async ({ pin, what, alter }: (typeof BAD_PUTS)[number]): Promise<NamedCase> => {
    const folder = `${TRIAL_PREFIX}${randomUUID()}/`;
    const key = `${folder}granted.bin`;
    const request = alter(await grantedPut(trial, key), key);
    return { pin, what, ...(await refusal(trial, request, folder)) };
  };
  return Promise.all(BAD_PUTS.map(attempt));
}

async function expiredPut(trial: Trial): Promise<NamedCase[]> {
  const folder = `${TRIAL_PREFIX}${randomUUID()}/`;
  const request = await grantedPut(trial, `${folder}granted.bin`, trial.nowMs - EXPIRED_MS);
  return [{ pin: "expiry", what: "an upload after the end", ...(await refusal(trial, request, folder)) }];
}

async function reading(trial: Trial): Promise<NamedCase[]> {
  const { objects, nowMs, signal } = trial;
  const get = (url: string): BareRequest => ({ method: "GET", url, headers: {}, body: new Uint8Array() });
  const good = await objects.grantDownload(PROBE_KEY, nowMs + GRANT_MS);
  const expired = await objects.grantDownload(PROBE_KEY, nowMs - EXPIRED_MS);
  const bare = good.split("?")[0] ?? "";
  const attempts: readonly [PinName, string, string][] = [
    ["reading", "a download without a grant", bare],
    ["expiry", "a download after the end", expired],
    ["signature", "a download of another key", good.replace(PROBE_KEY, `${TRIAL_PREFIX}listed.bin`)],
  ];
  return Promise.all(
    attempts.map(async ([pin, what, url]) => ({ pin, what, ...(await answerOf(sendBare(get(url), signal))) })),
  );
}

/** What was just written must be listed, with its MD5, and have it as ETag. */
async function listing({ objects, nowMs, signal }: Trial): Promise<NamedCase[]> {
  const key = `${TRIAL_PREFIX}listed.bin`;
  const content = new TextEncoder().encode(randomUUID());
  const md5 = createHash("md5").update(content).digest("hex");
  const what = "what was written a moment ago";
  try {
    await objects.replace(key, content, RECORD_CONTENT_TYPE);
    let isListed = false;
    for await (const info of objects.list(TRIAL_PREFIX)) isListed ||= info.key === key && info.md5 === md5;
    const url = await objects.grantDownload(key, nowMs + GRANT_MS);
    const { etag } = await sendBare({ method: "GET", url, headers: {}, body: new Uint8Array() }, signal);
    const isMd5 = etag === md5;
    return [
      { pin: "listing", what, answer: isListed ? "is listed" : "is not listed, or with another MD5", held: isListed },
      { pin: "etag", what, answer: isMd5 ? "its MD5 is the ETag" : `has the ETag "${etag}"`, held: isMd5 },
    ];
  } catch (error) {
    return (["listing", "etag"] as const).map((pin) => ({ pin, what, answer: messageOf(error), held: undefined }));
  }
}

async function grantedPut(
  { objects, nowMs }: Trial,
  key: string,
  expireTimeMs = nowMs + GRANT_MS,
): Promise<BareRequest> {
  const md5 = createHash("md5").update(CONTENT).digest("hex");
  const pins = { key, sizeBytes: CONTENT.length, md5, contentType: DATA_CONTENT_TYPE };
  const { url, headers } = await objects.grantUpload(pins, expireTimeMs);
  const named = Object.fromEntries(headers.map(({ name, value }) => [name, value]));
  return { method: "PUT", url, headers: { ...named, "content-length": String(CONTENT.length) }, body: CONTENT };
}

/** Sends what ought to be refused and to leave nothing under the prefix. */
async function refusal(trial: Trial, request: BareRequest, prefix: string): Promise<Omit<TriedCase, "what">> {
  const { answer, held } = await answerOf(sendBare(request, trial.signal));
  if (held !== true) return { answer, held };
  try {
    for await (const { key } of trial.objects.list(prefix))
      return { answer: `${answer}, but ${key} is stored`, held: false };
  } catch (error) {
    return { answer: `${answer}; ${messageOf(error)}`, held: undefined };
  }
  return { answer, held };
}

async function answerOf(sent: Promise<{ readonly status: number }>): Promise<Omit<TriedCase, "what">> {
  try {
    const { status } = await sent;
    const isRefused = status >= 400 && status < 500 && status !== 429;
    return { answer: `HTTP ${status}`, held: isRefused ? true : isSuccess(status) ? false : undefined };
  } catch (error) {
    return { answer: messageOf(error), held: undefined };
  }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
