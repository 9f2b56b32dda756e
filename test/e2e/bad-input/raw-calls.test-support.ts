/** Calls with hand-made headers, for what our own clients never do. */
import { type DescMessage, type DescMethodUnary, type MessageInitShape, create, toBinary } from "@bufbuild/protobuf";
import { systemClock } from "../../../adapters/clock/system-clock.js";
import type { Signer } from "../../../core/ports.js";
import { authHeaders, nextNonce } from "../../../rpc/auth/auth.js";
import { procedureOf } from "../../../rpc/auth/roles.js";
import { NETUID, NETWORK, type TestedServer } from "./world.test-support.js";

type Unary<I extends DescMessage> = DescMethodUnary<I>;

/** The headers that make a call good. */
export function goodHeaders<I extends DescMessage>(
  server: TestedServer,
  signer: Signer,
  method: Unary<I>,
  request: MessageInitShape<I>,
): Record<string, string> {
  return authHeaders({
    procedure: procedureOf(method),
    requestBytes: toBinary(method.input, create(method.input, request)),
    signer,
    scope: { receiver: server.owner.hotkey, network: NETWORK, netuid: NETUID },
    nonce: nextNonce(signer, systemClock),
  });
}

/** Makes a call over gRPC with exactly these headers. */
export async function callWith<I extends DescMessage>(
  server: TestedServer,
  method: Unary<I>,
  headers: Readonly<Record<string, string>>,
  request: MessageInitShape<I>,
): Promise<unknown> {
  return await server.transport.unary(method, undefined, 30_000, { ...headers }, request);
}

/** Text with its last digit changed to another. */
export function altered(text: string): string {
  return text.slice(0, -1) + (text.endsWith("1") ? "2" : "1");
}
