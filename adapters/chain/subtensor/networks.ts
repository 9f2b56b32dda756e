/**
 * The networks of Bittensor: where their public endpoints are, and how to know that it is them.
 */

/** A known network. */
export interface KnownNetwork {
  readonly endpoints: readonly string[];
  /** Hash of block 0, 64 hexadecimal digits. */
  readonly genesisHash: string;
}

/** Requests a second that the public endpoints allow. */
export const PUBLIC_REQUESTS_PER_SECOND = 1;

/** By name, as operators and the Python tools use them. */
export const KNOWN_NETWORKS: Readonly<Record<string, KnownNetwork>> = {
  finney: {
    endpoints: ["wss://entrypoint-finney.opentensor.ai:443", "wss://lite.sub.latent.to:443"],
    genesisHash: "2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03",
  },
  test: {
    endpoints: ["wss://test.finney.opentensor.ai:443"],
    genesisHash: "8f9cf856bf558a14440e75569c9e58594757048d7b3a84b5d25f6bd978263105",
  },
};
