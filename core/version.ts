/** Version of zipnet, as package.json has it. */
export const SOFTWARE_VERSION = "0.1.0";

/**
 * Version key that weights are set with: 10,000 for each major version, 100 for each minor one, 1 for each patch. A subnet
 * whose owner raises its key to a release's keeps out the weights of older ones, which may judge otherwise.
 */
export const WEIGHTS_VERSION_KEY = SOFTWARE_VERSION.split(".").reduce((key, part) => key * 100n + BigInt(part), 0n);
