/**
 * Request signatures: the text that is signed, and the client's side. rpc/auth-check.ts is the server's side.
 *
 * The signed text is these lines, joined by line feeds, without one at the end:
 *
 *   zipnet-auth/1
 *   sr25519
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
import type { Interceptor } from "@connectrpc/connect";
import { bytesToHex, sha256Hex, utf8ToBytes } from "../core/hash.js";
import type { Clock, Signer } from "../core/ports.js";
import { ROLES, procedureOf } from "./roles.js";

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
} as const;

/** What a request's signature covers. */
export interface SignedCall {
  readonly procedure: string;
  /** 64 lower-case hexadecimal digits. */
  readonly bodySha256: string;
  /** Unix nanoseconds, decimal. */
  readonly nonce: string;
  readonly sender: string;
  readonly scope: AuthScope;
}

/** The bytes that a request's signature covers. */
export function callSigningBytes({ procedure, bodySha256, nonce, sender, scope }: SignedCall): Uint8Array {
  const { receiver, network, netuid } = scope;
  return utf8ToBytes(
    [AUTH_VERSION, "sr25519", procedure, bodySha256, nonce, sender, receiver, network, netuid].join("\n"),
  );
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
}): Record<string, string> {
  const { procedure, signer, scope } = input;
  const bodySha256 = sha256Hex(input.requestBytes);
  const nonce = input.nonce.toString();
  const text = callSigningBytes({ procedure, bodySha256, nonce, sender: signer.hotkey, scope });
  return {
    [AUTH_HEADERS.version]: AUTH_VERSION,
    [AUTH_HEADERS.hotkey]: signer.hotkey,
    [AUTH_HEADERS.receiver]: scope.receiver,
    [AUTH_HEADERS.nonce]: nonce,
    [AUTH_HEADERS.bodySha256]: bodySha256,
    [AUTH_HEADERS.signature]: bytesToHex(signer.sign(text)),
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

/** Signs every call that needs it. Calls with more than one request message are not signed; the contract has none. */
export function signingInterceptor(options: {
  readonly signer: Signer;
  readonly scope: AuthScope;
  readonly clock: Clock;
}): Interceptor {
  const { signer, scope, clock } = options;
  return (next) => async (request) => {
    const procedure = procedureOf(request.method);
    if (ROLES[procedure] === "anyone" || request.method.methodKind === "bidi_streaming") return await next(request);
    const sign = (message: MessageShape<DescMessage>): void => {
      const requestBytes = toBinary(request.method.input, message);
      const headers = authHeaders({ procedure, requestBytes, signer, scope, nonce: nextNonce(signer, clock) });
      for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
    };
    if (!request.stream) {
      sign(request.message);
      return await next(request);
    }
    const messages: MessageShape<DescMessage>[] = [];
    for await (const message of request.message) messages.push(message);
    const [only] = messages;
    if (only === undefined || messages.length > 1)
      throw new TypeError(`${procedure} takes exactly one request message`);
    sign(only);
    return await next({ ...request, message: once(only) });
  };
}

/** A stream of one message. */
export async function* once<T>(message: T): AsyncGenerator<T> {
  yield message;
}
