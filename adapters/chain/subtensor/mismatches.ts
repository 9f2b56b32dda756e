/**
 * Whether the endpoints are what the settings say.
 */
import { z } from "zod";
import { ZipnetError } from "../../../core/errors.js";
import type { Metagraph } from "../../../core/ports.js";
import { SUBNET_MISSING } from "./metagraph.js";
import type { Wire } from "./wire.js";

const hashShape = z.string().regex(/^0x[0-9a-f]{64}$/i);

/**
 * Endpoints of another chain than the one with this block 0, or than each other's where that is undefined, one sentence
 * each. Those that do not answer are left out.
 */
export async function genesisMismatches(
  endpoints: readonly { readonly url: string; readonly open: (signal: AbortSignal) => Promise<Wire> }[],
  genesisHash: string | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  const found = await Promise.all(
    endpoints.map(async ({ url, open }) => ({ url, hash: await genesisOf(open, signal) })),
  );
  signal.throwIfAborted();
  const known = found.filter(({ hash }) => hash !== undefined);
  const wanted = genesisHash ?? known[0]?.hash;
  return known
    .filter(({ hash }) => hash !== wanted)
    .map(({ url, hash }) => `${url} is another chain: its block 0 is ${hash}, but must be ${wanted}`);
}

async function genesisOf(
  open: (signal: AbortSignal) => Promise<Wire>,
  signal: AbortSignal,
): Promise<string | undefined> {
  let wire: Wire | undefined;
  try {
    wire = await open(signal);
    return hashShape.parse(await wire.call("chain_getBlockHash", [0], signal)).slice(2);
  } catch {
    return undefined;
  } finally {
    wire?.close(new Error("it was only looked at"));
  }
}

/** That the chain has no such subnet, in a sentence; nothing where it has, or does not answer. */
export async function subnetMismatches(
  metagraph: (signal: AbortSignal) => Promise<Metagraph>,
  signal: AbortSignal,
): Promise<string[]> {
  try {
    await metagraph(signal);
    return [];
  } catch (error) {
    signal.throwIfAborted();
    const isMissing = error instanceof ZipnetError && error.metadata["chain_error"] === SUBNET_MISSING;
    return isMissing ? [error.message] : [];
  }
}
