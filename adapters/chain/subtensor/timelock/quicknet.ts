/**
 * drand's quicknet: the public randomness whose signatures open the chain's timelocks.
 */

/** Its BLS public key, a compressed point of G2, hexadecimal. */
export const QUICKNET_PUBLIC_KEY =
  "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451" +
  "0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a";

const GENESIS_SECONDS = 1_692_803_367;
const PERIOD_SECONDS = 3;

/** The round of a moment in unix milliseconds, as the chain and its tools count: rounded down, and never below 1. */
export function roundAt(timeMs: number): number {
  return Math.max(1, Math.floor((timeMs / 1_000 - GENESIS_SECONDS) / PERIOD_SECONDS));
}
