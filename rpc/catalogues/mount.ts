/**
 * Hands out catalogues by their hash over plain HTTP, to anybody: who has the hash from a signed epoch need not trust
 * whoever serves the bytes.
 */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { RECORD_CONTENT_TYPE, catalogueKey } from "../../core/object-keys.js";
import type { Clock, Log, ObjectStore } from "../../core/ports.js";
import { RecentMap } from "../epoch-log/recent-map.js";
import { NO_PROXIES, type TrustedProxies, addressGroup, callerAddress } from "../serving/caller-address.js";
import type { AnyRequest, AnyResponse } from "../serving/listener.js";
import type { HttpMount } from "../serving/server.js";
import { CATALOGUES_PATH } from "./download.js";

/** What the mount needs. */
export interface CatalogueMountOptions {
  readonly objects: Pick<ObjectStore, "get">;
  /** Whose word on callers' addresses is taken. Default nobody's. */
  readonly trusted?: TrustedProxies;
  readonly clock: Clock;
  readonly log: Log;
}

/** Requests that are answered at the same time, and of one address in a minute; those beyond are told to come back. */
export const MAX_REQUESTS = { openInAll: 128, openPerAddress: 8, perAddressAndMinute: 120 } as const;

/** A caller that takes the bytes more slowly is cut off. */
const MAX_DOWNLOAD_MS = 120_000;
/** Catalogues stay in memory up to this much together: the one in force and the next, mostly. */
const HELD_BYTES = 67_108_864;
/** A catalogue is written piece by piece, so that what waits for a slow caller is a piece and not the whole. */
const PIECE_BYTES = 65_536;

/** Serves `GET /catalogues/<sha256>`. */
export function catalogueMount(options: CatalogueMountOptions): HttpMount {
  const { trusted = NO_PROXIES, log } = options;
  const read = catalogueReader(options);
  const admission = new Admission(options.clock);
  return {
    pathPrefix: CATALOGUES_PATH,
    handle(request, response) {
      if (request.method !== "GET" && request.method !== "HEAD") return false;
      const sha256 = /^[0-9a-f]{64}$/.exec((request.url ?? "").split("?", 1)[0]?.slice(CATALOGUES_PATH.length) ?? "");
      if (sha256 === null) {
        refuse(response, 404, "a catalogue is named by its SHA-256, 64 lower-case hexadecimal digits");
        return true;
      }
      const caller = addressGroup(callerAddress(request, trusted));
      const refusal = admission.enter(caller);
      if (refusal !== undefined) {
        response.setHeader("retry-after", String(refusal.retryAfterSeconds));
        refuse(response, refusal.status, `${refusal.why}; come back in ${refusal.retryAfterSeconds} seconds`);
        return true;
      }
      answer(request, response, sha256[0], read, options)
        .catch((err: unknown) => {
          // A caller that went away in the middle is no failure of ours.
          if (response.headersSent) return response.destroy();
          log.error({ sha256: sha256[0], err }, "a catalogue could not be served");
          refuse(response, 500, "the catalogue cannot be read just now");
        })
        .finally(() => admission.leave(caller));
      return true;
    },
  };
}

/** Why a request is not answered now. */
interface Busy {
  readonly status: 429 | 503;
  readonly why: string;
  readonly retryAfterSeconds: number;
}

/** Counts requests: those that are being answered, and those of each address in a minute of the clock. */
class Admission {
  readonly #open = new Map<string, number>();
  readonly #thisMinute = new Map<string, number>();
  readonly #clock: Clock;
  #minute = 0;
  #all = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Lets a request of an address in, or says why not. Who is let in must leave. */
  enter(address: string): Busy | undefined {
    const minute = Math.floor(this.#clock.now() / 60_000);
    if (minute !== this.#minute) this.#thisMinute.clear();
    this.#minute = minute;
    const [open, asked] = [this.#open.get(address) ?? 0, this.#thisMinute.get(address) ?? 0];
    if (asked >= MAX_REQUESTS.perAddressAndMinute) {
      return { status: 429, why: "too many downloads in this minute", retryAfterSeconds: 60 };
    }
    if (this.#all >= MAX_REQUESTS.openInAll || open >= MAX_REQUESTS.openPerAddress) {
      return { status: 503, why: "too many downloads at once", retryAfterSeconds: 5 };
    }
    this.#all += 1;
    this.#open.set(address, open + 1);
    this.#thisMinute.set(address, asked + 1);
    return undefined;
  }

  leave(address: string): void {
    const open = (this.#open.get(address) ?? 0) - 1;
    this.#all -= 1;
    if (open > 0) this.#open.set(address, open);
    else this.#open.delete(address);
  }
}

type ReadCatalogue = (sha256: string) => Promise<Uint8Array | undefined>;

/** Reads from the store, or from memory; a catalogue that several ask for is read once. */
function catalogueReader({ objects }: CatalogueMountOptions): ReadCatalogue {
  const held = new RecentMap<string, Uint8Array>(HELD_BYTES, (bytes) => bytes.length);
  const reading = new Map<string, Promise<Uint8Array | undefined>>();
  const readStored = async (sha256: string): Promise<Uint8Array | undefined> => {
    const bytes = await objects.get(catalogueKey(sha256));
    if (bytes === undefined) return undefined;
    const actual = createHash("sha256").update(bytes).digest("hex");
    if (actual !== sha256) throw new Error(`the stored catalogue ${sha256} was altered: its bytes hash to ${actual}`);
    held.set(sha256, bytes);
    return bytes;
  };
  return async (sha256) => {
    const known = held.get(sha256);
    if (known !== undefined) return known;
    const started = reading.get(sha256) ?? readStored(sha256).finally(() => reading.delete(sha256));
    reading.set(sha256, started);
    return await started;
  };
}

async function answer(
  request: AnyRequest,
  response: AnyResponse,
  sha256: string,
  read: ReadCatalogue,
  { clock }: CatalogueMountOptions,
): Promise<void> {
  const bytes = await read(sha256);
  if (bytes === undefined) return refuse(response, 404, `there is no catalogue ${sha256} here`);
  const etag = `"${sha256}"`;
  const isKnown = request.headers["if-none-match"] === etag;
  response.writeHead(isKnown ? 304 : 200, {
    "access-control-allow-origin": "*",
    "cache-control": "public, max-age=31536000, immutable",
    "content-type": RECORD_CONTENT_TYPE,
    etag,
    "x-content-type-options": "nosniff",
    ...(isKnown ? {} : { "content-length": String(bytes.length) }),
  });
  if (isKnown || request.method === "HEAD") return void response.end();
  const written = new AbortController();
  clock.sleepUntil(clock.now() + MAX_DOWNLOAD_MS, written.signal).then(
    () => response.destroy(),
    () => {},
  );
  try {
    await pipeline(Readable.from(piecesOf(bytes)), response);
  } finally {
    written.abort();
  }
}

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

function refuse(response: AnyResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" });
  response.end(`${text}\n`);
}
