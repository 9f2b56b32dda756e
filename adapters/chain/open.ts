/**
 * Opens the chain that the settings name.
 */
import type { Chain, Clock, Log } from "../../core/ports.js";
import { localChain } from "./local/client.js";
import { KNOWN_NETWORKS, PUBLIC_REQUESTS_PER_SECOND } from "./subtensor/networks.js";

/** Which chain. */
export interface ChainSettings {
  readonly network: string;
  readonly netuid: number;
  /** Where it is; undefined for where the network is known to be, and the embedded chain's own address otherwise. */
  readonly chain:
    | { readonly kind: "local"; readonly url: string }
    | { readonly kind: "subtensor"; readonly endpoints: readonly string[] }
    | undefined;
  /** Requests a second to one endpoint; undefined for what suits it. */
  readonly chainRequestsPerSecond: number | undefined;
}

/** A chain with its connection. */
export interface OpenChain extends Chain {
  close(): void;
}

const LOCAL_URL = "http://127.0.0.1:9944";

/**
 * Opens a chain. Rejects with an Error that lists every mismatch where an endpoint that answers is of another network,
 * or has no such subnet. An endpoint that does not answer is no mismatch: it may come back.
 */
export async function openChain(
  settings: ChainSettings,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<OpenChain> {
  const { network, netuid } = settings;
  const known = Object.hasOwn(KNOWN_NETWORKS, network) ? KNOWN_NETWORKS[network] : undefined;
  const place = settings.chain ?? (known === undefined ? undefined : { kind: "subtensor", endpoints: known.endpoints });
  if (place === undefined || place.kind === "local") {
    if (known !== undefined) {
      throw new Error(
        `the network is ${network}, but the chain is an embedded one; give the real chain's address, or none`,
      );
    }
    return localChain({ url: place?.url ?? LOCAL_URL, clock });
  }
  const { endpoints } = place;
  const isPublic = endpoints.some((url) => Object.values(KNOWN_NETWORKS).some((each) => each.endpoints.includes(url)));
  const requestsPerSecond = settings.chainRequestsPerSecond ?? (isPublic ? PUBLIC_REQUESTS_PER_SECOND : 0);
  const genesis = known === undefined ? {} : { genesisHash: known.genesisHash };
  // Loading its library takes a second and 60 MB, which nobody without the real chain shall pay.
  const { subtensorChain } = await import("./subtensor/client.js");
  const chain = subtensorChain({ endpoints, network, netuid, ...genesis, clock, log, requestsPerSecond });
  try {
    const mismatches = await chain.mismatches(signal);
    if (mismatches.length === 0) return chain;
    throw new Error(`the chain is not what the settings say: ${mismatches.join("; ")}`);
  } catch (error) {
    chain.close();
    throw error;
  }
}
