/**
 * Calls that are signed before they are made, so that the receiver can be a program that knows nothing of signatures.
 * Every server that is measured gets the same calls.
 */
import { writeFile } from "node:fs/promises";
import { authHeaders, nextNonce } from "../../rpc/auth.js";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { type Keys, NETUID, NETWORK } from "./network.js";

/** Signs calls with the miners' keys in turn and writes them in the form that h2/h2.h describes. */
export async function writeCalls(
  file: string,
  keys: Keys,
  call: { readonly procedure: string; readonly requestBytes: Uint8Array; readonly count: number },
): Promise<void> {
  const { procedure, requestBytes, count } = call;
  const scope = { receiver: keys.server.hotkey, network: NETWORK, netuid: NETUID };
  const message = Buffer.from(requestBytes).toString("hex");
  const lines = Array.from({ length: count }, (_, index) => {
    const signer = keys.miners[index % keys.miners.length];
    if (signer === undefined) throw new TypeError("there are no miners");
    const headers = authHeaders({ procedure, requestBytes, signer, scope, nonce: nextNonce(signer, systemClock) });
    return [message, ...Object.entries(headers).map(([name, value]) => `${name} ${value}`)].join("\t");
  });
  await writeFile(file, `${lines.join("\n")}\n`);
}
