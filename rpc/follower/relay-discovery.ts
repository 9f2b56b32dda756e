/**
 * Finding validators' relays on the chain.
 *
 * An axon is an address and a port, nothing more, so what speaks there must be agreed: a relay's announced port speaks
 * cleartext HTTP/2. That suffices, because a relay's records are signed by the server and calls to it are signed by the
 * caller for its hotkey. A relay behind TLS is not announced; miners are told its address by their operators.
 */
import { ZipnetError } from "../../core/errors.js";
import type { Axon, Chain, Metagraph } from "../../core/ports.js";
import type { Endpoint } from "../client/client.js";

/** Which relays count. */
export interface RelayDiscoveryOptions {
  readonly chain: Pick<Chain, "metagraph">;
  readonly network: string;
  readonly netuid: number;
  /** Least stake of a relay's hotkey. */
  readonly minStakeRao: bigint;
}

/**
 * A look for relays at the newest finalized block: hotkeys with a validator permit, enough stake and an axon. Rejects
 * with UNAVAILABLE when the chain is out of reach or is another subnet's.
 */
export function relayDiscovery(options: RelayDiscoveryOptions): (signal: AbortSignal) => Promise<readonly Endpoint[]> {
  const { chain, network, netuid, minStakeRao } = options;
  return async (signal) => {
    const metagraph = await chain.metagraph(signal);
    if (metagraph.network !== network || metagraph.netuid !== netuid) {
      const is = `subnet ${metagraph.netuid} of "${metagraph.network}"`;
      throw new ZipnetError("UNAVAILABLE", `the chain is that of ${is}, not of ${netuid} of "${network}"`);
    }
    return relaysOf(metagraph, minStakeRao);
  };
}

function relaysOf({ neurons }: Metagraph, minStakeRao: bigint): readonly Endpoint[] {
  return neurons.flatMap(({ hotkey, stakeRao, validatorPermit, axon }) =>
    validatorPermit && stakeRao >= minStakeRao && axon !== undefined ? { url: axonUrl(axon), hotkey } : [],
  );
}

function axonUrl({ ip, port }: Axon): string {
  return `http://${ip.includes(":") ? `[${ip}]` : ip}:${port}`;
}
