/**
 * The chain's refusals on the wire: google.rpc.ErrorInfo with the real chain's error name as its reason.
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { ZipnetError } from "../../../core/errors.js";
import { ErrorInfoSchema } from "../../../gen/google/rpc/error_details_pb.js";
import { ChainRefusal } from "./refusals.js";

const DOMAIN = "localchain.zipnet";

/** Server side: a refusal as it goes out; anything else stays what it is. */
export function toWire(error: unknown): unknown {
  if (!(error instanceof ChainRefusal)) return error;
  const info = { reason: error.chainError, domain: DOMAIN, metadata: { ...error.metadata } };
  return new ConnectError(error.message, Code.FailedPrecondition, undefined, [{ desc: ErrorInfoSchema, value: info }]);
}

/**
 * Client side: CHAIN_REJECTED where the chain said no, with its error name; INVALID_FIELD where the call makes no sense;
 * UNAVAILABLE for everything else.
 */
export function fromWire(error: unknown, url: string): ZipnetError {
  if (error instanceof ZipnetError) return error;
  const failure = ConnectError.from(error);
  const info = failure.findDetails(ErrorInfoSchema).find(({ domain }) => domain === DOMAIN);
  if (info === undefined && failure.code === Code.InvalidArgument) {
    return new ZipnetError("INVALID_FIELD", failure.rawMessage, {}, { cause: error });
  }
  if (info === undefined) {
    const what = `the chain at ${url} is out of reach: ${failure.message}`;
    return new ZipnetError("UNAVAILABLE", what, {}, { cause: error });
  }
  const metadata = { ...info.metadata, chain_error: info.reason };
  return new ZipnetError("CHAIN_REJECTED", `${info.reason}: ${failure.rawMessage}`, metadata, { cause: error });
}
