/**
 * Signs a client's calls: with the key of a session where there is one, otherwise with the hotkey.
 */
import { type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { Interceptor, StreamResponse, UnaryRequest, UnaryResponse } from "@connectrpc/connect";
import type { Clock, Signer } from "../../core/ports.js";
import { AUTH_HEADERS, type AuthScope, authHeaders, nextNonce, once } from "./auth.js";
import type { ClientSession, ClientSessions } from "./client-sessions.js";
import { fromConnectError } from "../errors.js";
import { ROLES, procedureOf } from "./roles.js";

/** Who signs, for whom. */
export interface SigningOptions {
  readonly signer: Signer;
  readonly scope: AuthScope;
  readonly clock: Clock;
  /** Without it every call is signed with the hotkey. */
  readonly sessions?: ClientSessions;
}

type Next = Parameters<Interceptor>[0];
type AnyRequest = Parameters<Next>[0];

/** Signs every call that needs it. Calls with more than one request message are not signed; the contract has none. */
export function signingInterceptor(options: SigningOptions): Interceptor {
  return (next) => async (request) => {
    const procedure = procedureOf(request.method);
    if (ROLES[procedure] === "anyone" || request.method.methodKind === "bidi_streaming") return await next(request);
    if (!request.stream) return await callUnary(request, next, options);
    const message = await onlyMessage(request.message, procedure);
    const session = options.sessions?.forCall();
    sign(request, message, session, options);
    return await noticingRefusal(session, options, async () => {
      const response = await next({ ...request, message: once(message) });
      if (!response.stream || session === undefined) return response;
      return { ...response, message: noticing(response, session, options) };
    });
  };
}

/** A session that the server does not take is refused before the message is read, so the call can be made once more. */
async function callUnary(
  request: UnaryRequest,
  next: Next,
  options: SigningOptions,
): Promise<UnaryResponse | StreamResponse> {
  const session = options.sessions?.forCall();
  sign(request, request.message, session, options);
  if (session === undefined) return await next(request);
  try {
    return await noticingRefusal(session, options, () => next(request));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    sign(request, request.message, undefined, options);
    return await next(request);
  }
}

function sign(
  request: AnyRequest,
  message: MessageShape<DescMessage>,
  session: ClientSession | undefined,
  { signer, scope, clock }: SigningOptions,
): void {
  const requestBytes = toBinary(request.method.input, message);
  const procedure = procedureOf(request.method);
  const headers = authHeaders({ procedure, requestBytes, signer, scope, nonce: nextNonce(signer, clock), session });
  request.header.delete(AUTH_HEADERS.session);
  for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
}

function isRefusal(error: unknown): boolean {
  return fromConnectError(error).reason === "SESSION_INVALID";
}

async function noticingRefusal<T>(
  session: ClientSession | undefined,
  { sessions }: SigningOptions,
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (session !== undefined && isRefusal(error)) sessions?.refused(session);
    throw error;
  }
}

async function* noticing(
  response: StreamResponse,
  session: ClientSession,
  options: SigningOptions,
): AsyncGenerator<MessageShape<DescMessage>> {
  const messages = response.message[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await noticingRefusal(session, options, () => messages.next());
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await messages.return?.();
  }
}

async function onlyMessage<T>(messages: AsyncIterable<T>, procedure: string): Promise<T> {
  const all: T[] = [];
  for await (const message of messages) all.push(message);
  const [only] = all;
  if (only === undefined || all.length > 1) throw new TypeError(`${procedure} takes exactly one request message`);
  return only;
}
