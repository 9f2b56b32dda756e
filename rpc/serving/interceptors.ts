/**
 * The server's interceptors besides authentication: errors outermost, constraints innermost.
 */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { Code, type ConnectError, type HandlerContext, type Interceptor } from "@connectrpc/connect";
import { assertValid } from "../../core/constraints.js";
import type { Log } from "../../core/ports.js";
import { refusalKey } from "./connections.js";
import { toConnectError } from "../errors.js";
import { procedureOf } from "../auth/roles.js";

/** Node's codes for a connection that the other side gave up. */
const HANG_UPS = new Set(["ERR_STREAM_PREMATURE_CLOSE", "ECONNRESET", "EPIPE"]);

/** The error that goes to the caller; what the caller may not see is logged. */
export function reportedError(error: unknown, procedure: string, log: Log): ConnectError {
  const result = toConnectError(error);
  if (result.code !== Code.Internal) return result;
  const cause = result.cause ?? error;
  const { code, name } = cause as NodeJS.ErrnoException;
  if (name === "AbortError" || HANG_UPS.has(String(code))) log.debug({ procedure }, "a caller hung up");
  else log.error({ procedure, err: cause }, "a call failed in the server");
  return result;
}

/** Turns whatever a handler or an inner interceptor throws, at once or in mid-stream, into the error for the caller. */
export function errorInterceptor(log: Log): Interceptor {
  return (next) => async (request) => {
    const procedure = procedureOf(request.method);
    try {
      const response = await next(request);
      if (!response.stream) return response;
      return { ...response, message: withReportedErrors(response.message, procedure, log) };
    } catch (error) {
      throw reportedError(error, procedure, log);
    }
  };
}

async function* withReportedErrors<T>(messages: AsyncIterable<T>, procedure: string, log: Log): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    throw reportedError(error, procedure, log);
  }
}

/** A gate that first refuses what the adapter found to be refused, whoever calls. */
export function firstRefusing(gate: (context: HandlerContext) => void): (context: HandlerContext) => void {
  return (context) => {
    const refusal = context.values.get(refusalKey);
    if (refusal !== undefined) throw refusal;
    gate(context);
  };
}

/** A gate whose errors reach the caller as those of handlers do. */
export function reportingGate(gate: (context: HandlerContext) => void, log: Log): (context: HandlerContext) => void {
  return (context) => {
    try {
      gate(context);
    } catch (error) {
      throw reportedError(error, procedureOf(context.method), log);
    }
  };
}

/**
 * Checks every request message of our own services against its constraints, after authentication, so that a stranger
 * learns nothing. Rejects with INVALID_FIELD, which names field, value and rule of every violation.
 */
export function validationInterceptor(): Interceptor {
  return (next) => async (request) => {
    const schema: DescMessage = request.method.input;
    if (!schema.typeName.startsWith("zipnet.")) return await next(request);
    if (!request.stream) {
      assertValid(schema, request.message);
      return await next(request);
    }
    return await next({ ...request, message: validated(schema, request.message) });
  };
}

async function* validated<T extends MessageShape<DescMessage>>(
  schema: DescMessage,
  messages: AsyncIterable<T>,
): AsyncGenerator<T> {
  for await (const message of messages) {
    assertValid(schema, message);
    yield message;
  }
}
