/**
 * Request signatures: the text that is signed, and the headers of a signed call. rpc/auth/signing.ts signs a client's calls,
 * rpc/auth/auth-check.ts checks them.
 *
 * The signed text is these lines, joined by line feeds, without one at the end:
 *
 *   zipnet-auth/1
 *   <scheme: sr25519, or hmac-sha256 within a session>
 *   <procedure path, for example /zipnet.v1.EpochService/GetEpoch>
 *   <sha256 of the request message in protobuf binary form, 64 lower-case hexadecimal digits>
 *   <nonce: unix nanoseconds, decimal; also the timestamp>
 *   <sender: SS58 address, prefix 42>
 *   <receiver: SS58 address, prefix 42>
 *   <network>
 *   <netuid>
 *
 * The binary form is the one that protobuf encoders write: fields ascending by number, defaults left out. It is the
 * message that is signed, not the bytes on the wire, so that JSON, compression and every protocol work alike.
 */
import { randomInt } from "node:crypto";
import { type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { bytesToHex, sha256Hex, utf8ToBytes } from "../../core/hash.js";
import type { Clock, Signer } from "../../core/ports.js";
import type { ClientSession } from "./client-sessions.js";
import { callHmac } from "./session.js";

/** Version of the request signature. */
export const AUTH_VERSION = "zipnet-auth/1";

/** For whom a signature is good. */
export interface AuthScope {
  /** Hotkey of the process that is called: SS58 address, prefix 42. */
  readonly receiver: string;
  readonly network: string;
  readonly netuid: number;
}

/** Names of the request headers, in lower case as they travel. */
export const AUTH_HEADERS = {
  version: "zipnet-auth-version",
  hotkey: "zipnet-hotkey",
  receiver: "zipnet-receiver",
  nonce: "zipnet-nonce",
  bodySha256: "zipnet-body-sha256",
  signature: "zipnet-signature",
  /** Only within a session. */
  session: "zipnet-session",
} as const;

/** How a call is signed: by the hotkey, or with the key of a session that the hotkey has signed for. */
type AuthScheme = "sr25519" | "hmac-sha256";

/** What a request's signature covers. */
export interface SignedCall {
  readonly scheme: AuthScheme;
  readonly procedure: string;
  /** 64 lower-case hexadecimal digits. */
  readonly bodySha256: string;
  /** Unix nanoseconds, decimal. */
  readonly nonce: string;
  readonly sender: string;
  readonly scope: AuthScope;
}

/** The text that a request's signature covers. */
export function callSigningText({ scheme, procedure, bodySha256, nonce, sender, scope }: SignedCall): string {
  const { receiver, network, netuid } = scope;
  return `${AUTH_VERSION}\n${scheme}\n${procedure}\n${bodySha256}\n${nonce}\n${sender}\n${receiver}\n${network}\n${netuid}`;
}

/** SHA-256 of a message as request signatures name it. */
export function messageSha256<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): string {
  return sha256Hex(toBinary(schema, message));
}

/** The headers that authenticate one call. The nonce is unix nanoseconds and is good for one call. */
export function authHeaders(input: {
  readonly procedure: string;
  readonly requestBytes: Uint8Array;
  readonly signer: Signer;
  readonly scope: AuthScope;
  readonly nonce: bigint;
  /** Signs with its key instead of the hotkey's. */
  readonly session?: ClientSession | undefined;
}): Record<string, string> {
  const { procedure, signer, scope, session } = input;
  const bodySha256 = sha256Hex(input.requestBytes);
  const nonce = input.nonce.toString();
  const scheme = session === undefined ? "sr25519" : "hmac-sha256";
  const text = callSigningText({ scheme, procedure, bodySha256, nonce, sender: signer.hotkey, scope });
  const signature = session === undefined ? signer.sign(utf8ToBytes(text)) : callHmac(session.key, text);
  return {
    [AUTH_HEADERS.version]: AUTH_VERSION,
    [AUTH_HEADERS.hotkey]: signer.hotkey,
    [AUTH_HEADERS.receiver]: scope.receiver,
    [AUTH_HEADERS.nonce]: nonce,
    [AUTH_HEADERS.bodySha256]: bodySha256,
    [AUTH_HEADERS.signature]: bytesToHex(signature),
    ...(session === undefined ? {} : { [AUTH_HEADERS.session]: session.header }),
  };
}

const lastNonces = new WeakMap<Signer, bigint>();

// The clock counts milliseconds; a process's own digits below them keep two processes with one hotkey from using the
// same nonce. They decide nothing, so they need not be reproducible.
const processDigits = BigInt(randomInt(1_000_000));

/** A clock that went back by more than this was set, and nonces follow it; otherwise servers would refuse them. */
const CLOCK_WAS_SET_NS = 60_000_000_000n;

/**
 * The next nonce of a signer: unix nanoseconds, greater than all before it in this process, unless the clock was set
 * back by more than a minute.
 */
export function nextNonce(signer: Signer, clock: Clock): bigint {
  const now = BigInt(Math.floor(clock.now())) * 1_000_000n + processDigits;
  const last = lastNonces.get(signer) ?? 0n;
  const nonce = now > last || last - now > CLOCK_WAS_SET_NS ? now : last + 1n;
  lastNonces.set(signer, nonce);
  return nonce;
}

/** A stream of one message. */
export async function* once<T>(message: T): AsyncGenerator<T> {
  yield message;
}
