/**
 * The client's side of sessions: makes one when the server offers them, renews it in time, and makes do without.
 */
import { bytesToHex } from "../../core/hash.js";
import type { Clock, Signer } from "../../core/ports.js";
import type { AuthScope } from "./auth.js";
import { MAX_SESSION_MS, newKeyPair, sessionKey, sessionStatement } from "./session.js";

/** A session to make calls in. */
export interface ClientSession {
  /** Value of the header that names it. */
  readonly header: string;
  readonly key: Uint8Array;
  /** Unix milliseconds by this machine's clock. */
  readonly expiryMs: number;
}

/** The sessions with one receiver. */
export interface ClientSessions {
  /** The session for a call that is about to be made; undefined where the call must be signed itself. Never waits. */
  forCall(): ClientSession | undefined;
  /** To be told of a session that the receiver did not take. */
  refused(session: ClientSession): void;
}

/** What making sessions needs. */
export interface ClientSessionOptions {
  readonly signer: Signer;
  readonly scope: AuthScope;
  readonly clock: Clock;
  /** Asks the receiver for its session key, X25519; empty when it offers no sessions. */
  readonly readServerKey: () => Promise<Uint8Array>;
}

/** A session is renewed this long before its end, so that none ends by a clock that is ahead of ours. */
const RENEW_BEFORE_MS = 300_000;

/** How long to make do without sessions when the receiver offers none, or refuses one after the other. */
const PAUSE_MS = 600_000;

/**
 * Sessions with a receiver. Its key is asked for with the second call, beside it: one call alone is cheaper without a
 * session, and no call waits for one.
 */
export function clientSessions(options: ClientSessionOptions): ClientSessions {
  const { clock, readServerKey } = options;
  let session: ClientSession | undefined;
  let serverKey: string | undefined;
  let hasCalled = false;
  let isAsking = false;
  let askFromMs = -Infinity;
  let lastRefusalMs = -Infinity;

  async function ask(): Promise<void> {
    isAsking = true;
    try {
      const key = bytesToHex(await readServerKey());
      if (key === "") throw new Error("the receiver offers no sessions");
      session = newSession(key, options);
      serverKey = key;
    } catch {
      // Nothing is lost: every call can be signed itself.
      askFromMs = clock.now() + PAUSE_MS;
    } finally {
      isAsking = false;
    }
  }

  return {
    forCall() {
      const nowMs = clock.now();
      if (serverKey === undefined) {
        if (hasCalled && !isAsking && nowMs >= askFromMs) void ask();
        hasCalled = true;
        return undefined;
      }
      if (session === undefined || nowMs >= session.expiryMs - RENEW_BEFORE_MS) {
        session = newSession(serverKey, options);
      }
      return session;
    },
    refused(refused) {
      if (refused !== session) return;
      const nowMs = clock.now();
      // Once may be a receiver that has a new key; twice in a row, the next one would be refused as well.
      askFromMs = nowMs - lastRefusalMs < PAUSE_MS ? nowMs + PAUSE_MS : nowMs;
      lastRefusalMs = nowMs;
      session = undefined;
      serverKey = undefined;
    },
  };
}

/** A session that the hotkey has signed for. Throws where the server's key is none. */
export function newSession(
  serverKey: string,
  { signer, scope, clock }: Pick<ClientSessionOptions, "signer" | "scope" | "clock">,
): ClientSession {
  const own = newKeyPair();
  const expirySeconds = Math.floor((clock.now() + MAX_SESSION_MS) / 1000);
  const ephemeralKey = own.publicKey;
  const statement = sessionStatement({ ephemeralKey, serverKey, expirySeconds, sender: signer.hotkey, scope });
  return {
    header: `${ephemeralKey}.${expirySeconds}.${bytesToHex(signer.sign(statement))}`,
    key: sessionKey(own, serverKey, statement),
    expiryMs: expirySeconds * 1000,
  };
}
