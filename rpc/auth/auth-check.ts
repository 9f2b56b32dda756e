/**
 * The server's side of request signatures, apart from any way in which calls come: rpc/auth/auth-gate.ts is what brings
 * connect's calls here. Deny by default: a call without a checked signature reaches only what the table of roles opens
 * to anyone.
 */
import { ZipnetError } from "../../core/errors.js";
import { utf8ToBytes } from "../../core/hash.js";
import type { Cache, Clock, VerifySignature } from "../../core/ports.js";
import { AUTH_HEADERS, AUTH_VERSION, type AuthScope, callSigningText } from "./auth.js";
import type { Caller, CallerDirectory } from "./callers.js";
import { ROLES, type Role } from "./roles.js";
import { type ServerSession, type ServerSessions, isHmacOf, serverSessions } from "./server-sessions.js";

/** What the server needs to check callers. */
export interface ServerAuth {
  readonly scope: AuthScope;
  readonly verify: VerifySignature;
  readonly directory: CallerDirectory;
  /** Holds the replay set and the quotas. While it is out of reach, every signed call is refused with UNAVAILABLE. */
  readonly cache: Cache;
  readonly clock: Clock;
  /** How far a call's timestamp may be from the server's clock, either way. */
  readonly maxClockDifferenceMs: number;
  /** 32 secret bytes, the same on every replica: the key of sessions. Without it none are offered. */
  readonly sessionSecret?: Uint8Array;
  /** Calls per hotkey and minute of the clock; of its roles, the one that may make most counts. */
  readonly maxCallsPerMinute: Readonly<Record<Role, number>>;
}

/** What a call's headers say, once they and their signature have been checked. */
export interface CheckedHeaders {
  readonly hotkey: string;
  readonly nonce: string;
  /** Of the message that was signed: 64 lower-case hexadecimal digits. */
  readonly bodySha256: string;
  /** The session that the call was made in. */
  readonly session: ServerSession | undefined;
}

/** The two steps of letting a call in. Both throw ZipnetError. */
export interface CallChecks {
  /**
   * Checks form, receiver, clock and signature of a call's headers, before its body is read, so that an unsigned flood
   * costs no parsing. `header` gives a header by its lower-case name.
   */
  checkHeaders(procedure: string, header: (name: string) => string | undefined): CheckedHeaders;
  /**
   * Checks the rest once the message is there: its hash, the caller's role, the replay set and the quota, the last two
   * in one round trip to the cache.
   */
  admit(checked: CheckedHeaders, procedure: string, bodySha256: string): Promise<Caller>;
}

/** The checks of one process. */
export function callChecks(auth: ServerAuth): CallChecks {
  const { sessionSecret: secret } = auth;
  const sessions = secret === undefined ? undefined : serverSessions({ ...auth, secret });
  return {
    checkHeaders(procedure, header) {
      const signed = signedHeaders(header);
      assertReceiver(signed.receiver, auth.scope);
      assertClock(signed.nonce, auth);
      const session = signed.session === undefined ? undefined : opened(signed.session, signed.hotkey, sessions);
      assertSignature(signed, session, procedure, auth);
      return { hotkey: signed.hotkey, nonce: signed.nonce, bodySha256: signed.bodySha256, session };
    },
    async admit(checked, procedure, bodySha256) {
      assertBody(checked, bodySha256);
      const { hotkey, session } = checked;
      const { directory } = auth;
      const roles = directory.knownRolesOf?.(hotkey) ?? (await directory.rolesOf(hotkey));
      assertRole(roles, hotkey, procedure, auth);
      // Where anyone may call; nothing is kept of strangers, who could be any number.
      if (roles.length === 0) return { hotkey, roles, coldkey: "", callsThisMinute: 0, maxCallsPerMinute: 0 };
      if (session !== undefined) sessions?.keep(session);
      const maxCallsPerMinute = Math.max(...roles.map((role) => auth.maxCallsPerMinute[role]));
      const nowMs = auth.clock.now();
      const callsThisMinute = await counted(checked, nowMs, auth);
      assertCounted(callsThisMinute, checked, nowMs, maxCallsPerMinute);
      const coldkey = directory.coldkeyOf?.(hotkey) ?? "";
      return { hotkey, roles, coldkey, callsThisMinute, maxCallsPerMinute };
    },
  };
}

/** The headers of a call, each of the right form and nothing more. */
interface SignedHeaders {
  readonly hotkey: string;
  readonly receiver: string;
  readonly nonce: string;
  readonly bodySha256: string;
  readonly signature: string;
  readonly session: string | undefined;
}

type Form = readonly [form: RegExp, says: string];
const HOTKEY: Form = [/^5[1-9A-HJ-NP-Za-km-z]{47}$/, "an SS58 address of 48 characters"];
const NONCE: Form = [/^[1-9]\d{0,19}$/, "unix nanoseconds in decimal digits"];
const SHA256: Form = [/^[0-9a-f]{64}$/, "64 lower-case hexadecimal digits"];
const SIGNATURE: Form = [/^[0-9a-f]{128}$/, "128 lower-case hexadecimal digits"];
const HMAC: Form = [/^[0-9a-f]{64}$/, "64 lower-case hexadecimal digits, as it is in a session"];

function signedHeaders(header: (name: string) => string | undefined): SignedHeaders {
  const version = header(AUTH_HEADERS.version);
  if (version !== AUTH_VERSION) {
    const found = version === undefined ? "is missing" : `is "${version.slice(0, 40)}"`;
    throw unauthenticated(AUTH_HEADERS.version, `${found}, but must be "${AUTH_VERSION}"`);
  }
  const read = (name: string, [form, says]: Form): string => {
    const value = header(name);
    if (value === undefined) throw unauthenticated(name, `is missing, but must be ${says}`);
    if (!form.test(value)) throw unauthenticated(name, `is "${value.slice(0, 40)}", but must be ${says}`);
    return value;
  };
  const session = header(AUTH_HEADERS.session);
  return {
    hotkey: read(AUTH_HEADERS.hotkey, HOTKEY),
    receiver: read(AUTH_HEADERS.receiver, HOTKEY),
    nonce: read(AUTH_HEADERS.nonce, NONCE),
    bodySha256: read(AUTH_HEADERS.bodySha256, SHA256),
    signature: read(AUTH_HEADERS.signature, session === undefined ? SIGNATURE : HMAC),
    session,
  };
}

function opened(text: string, hotkey: string, sessions: ServerSessions | undefined): ServerSession {
  if (sessions !== undefined) return sessions.open(text, hotkey);
  throw new ZipnetError("SESSION_INVALID", "no sessions are offered here; sign every call with the hotkey");
}

function assertSignature(
  { hotkey, nonce, bodySha256, signature }: SignedHeaders,
  session: ServerSession | undefined,
  procedure: string,
  { scope, verify }: ServerAuth,
): void {
  const scheme = session === undefined ? "sr25519" : "hmac-sha256";
  const text = callSigningText({ scheme, procedure, bodySha256, nonce, sender: hotkey, scope });
  const bytes = Buffer.from(signature, "hex");
  if (session === undefined ? verify(utf8ToBytes(text), bytes, hotkey) : isHmacOf(session, text, bytes)) return;
  const { network, netuid } = scope;
  const whose = session === undefined ? `${hotkey}'s` : "the session's";
  throw new ZipnetError(
    "SIGNATURE_INVALID",
    `the signature is not ${whose} over this call; sign the lines of ${AUTH_VERSION} with ${scheme} for ${procedure}, ` +
      `network "${network}" and netuid ${netuid}`,
    { network, netuid: String(netuid) },
  );
}

function unauthenticated(header: string, problem: string): ZipnetError {
  return new ZipnetError("UNAUTHENTICATED_CALL", `this call must be signed: the header ${header} ${problem}`, {
    header,
  });
}

function assertReceiver(receiver: string, scope: AuthScope): void {
  if (receiver === scope.receiver) return;
  throw new ZipnetError(
    "WRONG_RECEIVER",
    `the call is signed for ${receiver}, but this is ${scope.receiver}; sign for the receiver that GetServerInfo names`,
    { receiver: scope.receiver },
  );
}

function assertClock(nonce: string, auth: ServerAuth): void {
  const callMs = Number(nonce.slice(0, -6));
  const serverMs = auth.clock.now();
  const differenceMs = callMs - serverMs;
  if (Math.abs(differenceMs) <= auth.maxClockDifferenceMs) return;
  throw new ZipnetError(
    "CLOCK_DIFFERENCE",
    `the call is from ${timeText(callMs)} by the caller's clock, but it is ${timeText(serverMs)} here; at most ` +
      `${auth.maxClockDifferenceMs} ms either way are allowed. Set the caller's clock, or sign again if the call is old`,
    { server_time_ms: String(serverMs), difference_ms: String(differenceMs) },
  );
}

function timeText(timeMs: number): string {
  return Math.abs(timeMs) <= 8.64e15 ? new Date(timeMs).toISOString() : `${timeMs} ms`;
}

function assertBody(checked: CheckedHeaders, bodySha256: string): void {
  if (bodySha256 === checked.bodySha256) return;
  throw new ZipnetError(
    "BODY_ALTERED",
    `the request message has the SHA-256 ${bodySha256}, but ${checked.bodySha256} was signed; sign the message in ` +
      `protobuf binary form, as it is sent`,
  );
}

/** Throws unless one of the roles may call the procedure. */
function assertRole(roles: readonly Role[], hotkey: string, procedure: string, auth: ServerAuth): void {
  const needed = ROLES[procedure];
  if (needed === undefined) throw new ZipnetError("UNAUTHENTICATED_CALL", `${procedure} is not open to anybody`);
  if (needed === "anyone") return;
  const { network, netuid } = auth.scope;
  if (roles.length === 0) {
    const text = `${hotkey} is not registered on netuid ${netuid} of "${network}"; register it, then call again`;
    throw new ZipnetError("NOT_REGISTERED", text);
  }
  if (roles.some((role) => needed.includes(role))) return;
  const why = needed.includes("validator") ? auth.directory.whyNoValidator?.(hotkey) : undefined;
  const text = `${procedure} is for ${needed.join(" or ")}; ${hotkey} is ${roles.join(" and ")}`;
  throw new ZipnetError("ROLE_NOT_ALLOWED", why === undefined ? text : `${text}: ${why}`, {
    needed_roles: needed.join(","),
  });
}

/** Counts a call in the replay set and the quota; how many the hotkey has made in this minute, undefined for a replay. */
function counted({ hotkey, nonce }: CheckedHeaders, nowMs: number, auth: ServerAuth): Promise<number | undefined> {
  // A nonce may be ahead of the clock by the allowed difference, and is good until it is behind by as much. The rest is
  // for replicas whose clocks differ.
  const replay = { key: `replay/${hotkey}/${nonce}`, ttlMs: 2 * auth.maxClockDifferenceMs + 60_000 };
  const quota = { key: `quota/${hotkey}/${minuteOf(nowMs)}`, ttlMs: 120_000 };
  return auth.cache.setAndCount(replay, quota).catch(cacheIsAway);
}

/** Without the cache a replay cannot be told from a first call, so nothing is let through. */
function cacheIsAway(cause: unknown): never {
  throw new ZipnetError("UNAVAILABLE", "calls cannot be checked for replays just now; try again", {}, { cause });
}

function minuteOf(timeMs: number): number {
  return Math.floor(timeMs / 60_000);
}

/** Throws for a replay, and beyond the quota. */
function assertCounted(
  calls: number | undefined,
  { hotkey, nonce }: CheckedHeaders,
  nowMs: number,
  maxCalls: number,
): asserts calls is number {
  if (calls === undefined) {
    throw new ZipnetError("REPLAYED_CALL", `a call with the nonce ${nonce} was made already; sign every call anew`, {
      nonce,
    });
  }
  if (calls <= maxCalls) return;
  const retrySeconds = Math.max(1, Math.ceil(((minuteOf(nowMs) + 1) * 60_000 - nowMs) / 1000));
  throw new ZipnetError(
    "QUOTA_EXCEEDED",
    `${hotkey} made more than ${maxCalls} calls in this minute; try again in ${retrySeconds} s`,
    { retry_after_seconds: String(retrySeconds) },
  );
}
