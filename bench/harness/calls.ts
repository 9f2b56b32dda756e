/**
 * Calls that are signed before they are made, so that the receiver can be a program that knows nothing of signatures.
 * Every server that is measured gets the same calls.
 */
import { writeFile } from "node:fs/promises";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { bytesToHex } from "../../core/hash.js";
import { authHeaders, nextNonce } from "../../rpc/auth/auth.js";
import { newSession } from "../../rpc/auth/client-sessions.js";
import { sessionKeyOf } from "../../rpc/auth/session.js";
import { type Keys, NETUID, NETWORK } from "./network.js";

/** How calls are authenticated: each with the hotkey, or in a session that the hotkey has signed for. */
export type Scheme = "sr25519" | "session";

/** Calls to prepare. */
export interface CallPlan {
  readonly scheme: Scheme;
  /** Path of the procedure. */
  readonly procedure: string;
  readonly requestBytes: Uint8Array;
  readonly count: number;
}

/** The headers of each call, signed with the miners' keys in turn. */
export function signCalls(keys: Keys, { scheme, procedure, requestBytes, count }: CallPlan): Record<string, string>[] {
  const scope = { receiver: keys.server.hotkey, network: NETWORK, netuid: NETUID };
  const serverKey = bytesToHex(sessionKeyOf(keys.server));
  const callers = keys.miners.slice(0, count).map((signer) => {
    const session = scheme === "session" ? newSession(serverKey, { signer, scope, clock: systemClock }) : undefined;
    return { signer, session };
  });
  return Array.from({ length: count }, (_, index) => {
    const caller = callers[index % callers.length];
    if (caller === undefined) throw new TypeError("there are no miners");
    const { signer, session } = caller;
    return authHeaders({ procedure, requestBytes, signer, scope, nonce: nextNonce(signer, systemClock), session });
  });
}

/** Signs calls and writes them in the form that h2/h2.h describes. */
export async function writeCalls(file: string, keys: Keys, plan: CallPlan): Promise<void> {
  const message = Buffer.from(plan.requestBytes).toString("hex");
  const lines = signCalls(keys, plan).map((headers) =>
    [message, ...Object.entries(headers).map(([name, value]) => `${name} ${value}`)].join("\t"),
  );
  await writeFile(file, `${lines.join("\n")}\n`);
}
