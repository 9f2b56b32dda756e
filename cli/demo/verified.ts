/** The demo's epochs, computed again by the code that `zipnet epoch verify` runs. */
import { fetchTransfer } from "../../adapters/transfer/fetch-transfer.js";
import { verifySr25519 } from "../../adapters/wallet/wallet.js";
import type { Clients } from "../../rpc/client/client.js";
import { serverSource } from "../epochs/server-source.js";
import { openDemoChain } from "./demo-chain.js";
import type { NetworkPlan } from "./network.js";
import { type EpochVerdict, verifyEpoch } from "../epochs/verify.js";

/** Where records and blocks are read. */
export interface VerifySources {
  readonly serverUrl: string;
  readonly serverHotkey: string;
  readonly plan: Pick<NetworkPlan, "chain" | "ports">;
}

/** Verifies an epoch from the server's records and the chain. The clients stay open. */
export async function verifiedEpoch(
  epochId: string,
  clients: Clients,
  { serverUrl, serverHotkey, plan }: VerifySources,
  signal: AbortSignal,
): Promise<EpochVerdict> {
  const source = serverSource(serverUrl, clients, fetchTransfer(), signal);
  const chain = await openDemoChain(plan, signal);
  try {
    const deployment = { network: "local", netuid: 1, serverHotkey };
    return await verifyEpoch({ source, chain, verify: verifySr25519, ...deployment }, epochId, signal);
  } finally {
    chain.close();
  }
}

/** What is not as it must be, one sentence each. */
export function verdictProblems({ differences, submissions }: EpochVerdict): string[] {
  const unread = submissions === undefined ? ["its snapshot could not be read"] : [];
  return [
    ...differences.map(({ field, expected, found }) => `${field} should be ${expected}, but is ${found}`),
    ...unread,
  ];
}
