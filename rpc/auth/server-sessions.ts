/**
 * The server's side of sessions: what has been checked is remembered, what is not remembered is checked again. So a
 * session needs no place that replicas share, and survives every restart.
 */
import { timingSafeEqual } from "node:crypto";
import { ZipnetError } from "../../core/errors.js";
import { hexToBytes } from "../../core/hash.js";
import type { Clock, VerifySignature } from "../../core/ports.js";
import { RecentMap } from "../epoch-log/recent-map.js";
import { AUTH_HEADERS, type AuthScope } from "./auth.js";
import { type KeyPair, MAX_SESSION_MS, callHmac, keyPairOf, sessionKey, sessionStatement } from "./session.js";

/** What checking sessions needs. */
export interface SessionOptions {
  /** 32 secret bytes, the same on every replica: the server's X25519 key. */
  readonly secret: Uint8Array;
  readonly scope: AuthScope;
  readonly verify: VerifySignature;
  readonly clock: Clock;
  /** How far a client's clock may be from the server's, either way. */
  readonly maxClockDifferenceMs: number;
  /** Sessions that are remembered; beyond that, one that was not used lately is forgotten. Default 20,000. */
  readonly capacity?: number;
}

/** A session whose statement holds. */
export interface ServerSession {
  /** The header's text, by which it is remembered. */
  readonly text: string;
  readonly hotkey: string;
  readonly key: Uint8Array;
  /** Unix milliseconds; from then on it is refused. */
  readonly endMs: number;
}

/** The sessions of one process. */
export interface ServerSessions {
  /** The session that a header names. Throws SESSION_INVALID when its statement is not the hotkey's, or has expired. */
  open(text: string, hotkey: string): ServerSession;
  /** Remembers a session, once its caller is known to be no stranger: strangers must not push others out. */
  keep(session: ServerSession): void;
  /** Sessions remembered at present. */
  readonly size: number;
}

/** Some 20,000 sessions are 10 MB: two for each of ten thousand miners. */
const DEFAULT_CAPACITY = 20_000;

const FORM = /^([0-9a-f]{64})\.([1-9]\d{0,11})\.([0-9a-f]{128})$/;

/** Sessions of one process; none is remembered yet. */
export function serverSessions(options: SessionOptions): ServerSessions {
  const { clock, capacity = DEFAULT_CAPACITY } = options;
  const own = keyPairOf(options.secret);
  const held = new RecentMap<string, ServerSession>(capacity);

  return {
    open(text, hotkey) {
      const known = held.get(text);
      if (known === undefined) return checked(text, hotkey, own, options);
      if (known.hotkey !== hotkey) throw invalid(`is ${known.hotkey}'s, not ${hotkey}'s`);
      if (clock.now() < known.endMs) return known;
      held.delete(text);
      throw invalid("has expired");
    },
    keep(session) {
      if (held.get(session.text) === undefined) held.set(session.text, session);
    },
    get size() {
      return held.size;
    },
  };
}

function checked(text: string, hotkey: string, own: KeyPair, options: SessionOptions): ServerSession {
  const { scope, verify, clock, maxClockDifferenceMs } = options;
  const [, ephemeralKey, expiry, signature] = FORM.exec(text) ?? [];
  if (ephemeralKey === undefined || expiry === undefined || signature === undefined) {
    throw invalid("is not of the form <64 hexadecimal digits>.<unix seconds>.<128 hexadecimal digits>");
  }
  const nowMs = clock.now();
  const expirySeconds = Number(expiry);
  const endMs = expirySeconds * 1000 + maxClockDifferenceMs;
  if (nowMs >= endMs) throw invalid("has expired");
  if (expirySeconds * 1000 > nowMs + MAX_SESSION_MS + maxClockDifferenceMs) {
    throw invalid(`ends more than ${MAX_SESSION_MS / 1000} s from now`);
  }
  const serverKey = own.publicKey;
  const statement = sessionStatement({ ephemeralKey, serverKey, expirySeconds, sender: hotkey, scope });
  if (!verify(statement, hexToBytes(signature), hotkey)) {
    throw invalid(`is not signed by ${hotkey} for the session key of this server`);
  }
  try {
    return { text, hotkey, key: sessionKey(own, ephemeralKey, statement), endMs };
  } catch {
    throw invalid("names an X25519 key that is none");
  }
}

function invalid(problem: string): ZipnetError {
  return new ZipnetError(
    "SESSION_INVALID",
    `the session in ${AUTH_HEADERS.session} ${problem}; make a new one with the session_key that GetServerInfo names, ` +
      `or sign the call itself`,
  );
}

/** Whether a call's HMAC is the session's. Takes as long for a wrong one as for a right one. */
export function isHmacOf(session: ServerSession, signingText: string, hmac: Uint8Array): boolean {
  const expected = callHmac(session.key, signingText);
  return hmac.length === expected.length && timingSafeEqual(expected, hmac);
}
