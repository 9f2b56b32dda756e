/**
 * Brings connect's calls to the checks of rpc/auth/auth-check.ts.
 *
 * The gate runs before the body is read; the interceptor runs with the message in hand and decides the rest. A call
 * that did not pass the gate does not pass the interceptor.
 */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { type ContextValues, type HandlerContext, type Interceptor, createContextKey } from "@connectrpc/connect";
import { ZipnetError } from "../../core/errors.js";
import { AUTH_HEADERS, messageSha256, once } from "./auth.js";
import type { CallChecks, CheckedHeaders } from "./auth-check.js";
import { callerKey } from "./callers.js";
import { ROLES, OPTIONALLY_SIGNED, procedureOf } from "./roles.js";

/** What the gate found of a call. */
export type GateResult =
  { readonly checked: CheckedHeaders } | { readonly checked?: undefined; readonly error: unknown };

const gateKey = createContextKey<GateResult | undefined>(undefined, { description: "what the gate found" });

/** Checks a call's headers; a refusal is in the result. */
export function gateResultOf(
  checks: CallChecks,
  procedure: string,
  header: (name: string) => string | undefined,
): GateResult {
  try {
    return { checked: checks.checkHeaders(procedure, header) };
  } catch (error) {
    return { error };
  }
}

/** Values of a call that a gate has seen before connect does, so that its signature is not checked twice. */
export function withGateResult(values: ContextValues, result: GateResult): ContextValues {
  return values.set(gateKey, result);
}

/** Checks a call's headers and signature before its body is read. Throws ZipnetError. */
export function authGate(checks: CallChecks): (context: HandlerContext) => void {
  return ({ method, requestHeader, values }) => {
    const procedure = procedureOf(method);
    if (ROLES[procedure] === "anyone" && !(OPTIONALLY_SIGNED.has(procedure) && isSigned(requestHeader))) return;
    const result =
      values.get(gateKey) ?? gateResultOf(checks, procedure, (name) => requestHeader.get(name) ?? undefined);
    if (result.checked === undefined) throw result.error;
    values.set(gateKey, result);
  };
}

/** A call with any of the headers means to be signed; what is wrong with them is an error. */
function isSigned(header: Headers): boolean {
  return Object.values(AUTH_HEADERS).some((name) => header.has(name));
}

/** Checks the rest once the message is there, and leaves the caller for handlers to read with callerOf. */
export function authInterceptor(checks: CallChecks): Interceptor {
  return (next) => async (request) => {
    const procedure = procedureOf(request.method);
    const checked = request.contextValues.get(gateKey)?.checked;
    if (checked === undefined) {
      if (ROLES[procedure] === "anyone") return await next(request);
      throw new ZipnetError("UNAUTHENTICATED_CALL", `${procedure} is not open to anybody`);
    }
    const admit = async (message: MessageShape<DescMessage>): Promise<void> => {
      const bodySha256 = messageSha256(request.method.input, message);
      request.contextValues.set(callerKey, await checks.admit(checked, procedure, bodySha256));
    };
    if (!request.stream) {
      await admit(request.message);
      return await next(request);
    }
    const message = await onlyMessage(request.message, procedure);
    await admit(message);
    return await next({ ...request, message: once(message) });
  };
}

async function onlyMessage<T>(messages: AsyncIterable<T>, procedure: string): Promise<T> {
  let only: { readonly message: T } | undefined;
  for await (const message of messages) {
    // A second message would be one that no signature covers.
    if (only !== undefined) throw new ZipnetError("BODY_ALTERED", `${procedure} takes exactly one request message`);
    only = { message };
  }
  if (only === undefined) throw new ZipnetError("BODY_ALTERED", `${procedure} came without its request message`);
  return only.message;
}
