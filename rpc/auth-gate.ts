/**
 * Brings connect's calls to the checks of rpc/auth-check.ts.
 *
 * The gate runs before the body is read; the interceptor runs with the message in hand and decides the rest. A call
 * that did not pass the gate does not pass the interceptor.
 */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { type HandlerContext, type Interceptor, createContextKey } from "@connectrpc/connect";
import { ZipnetError } from "../core/errors.js";
import { messageSha256, once } from "./auth.js";
import type { CallChecks, CheckedHeaders } from "./auth-check.js";
import { callerKey } from "./callers.js";
import { ROLES, procedureOf } from "./roles.js";

const checkedKey = createContextKey<CheckedHeaders | undefined>(undefined, { description: "checked signature" });

/** Checks a call's headers and signature before its body is read. Throws ZipnetError. */
export function authGate(checks: CallChecks): (context: HandlerContext) => void {
  return ({ method, requestHeader, values }) => {
    const procedure = procedureOf(method);
    if (ROLES[procedure] === "anyone") return;
    const checked = checks.checkHeaders(procedure, (name) => requestHeader.get(name) ?? undefined);
    values.set(checkedKey, checked);
  };
}

/** Checks the rest once the message is there, and leaves the caller for handlers to read with callerOf. */
export function authInterceptor(checks: CallChecks): Interceptor {
  return (next) => async (request) => {
    const procedure = procedureOf(request.method);
    if (ROLES[procedure] === "anyone") return await next(request);
    const checked = request.contextValues.get(checkedKey);
    if (checked === undefined) {
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
