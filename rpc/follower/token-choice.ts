import { bytesToHex } from "../../core/hash.js";
import type { Endpoint } from "../client/client.js";
import { endpointKey } from "./follower-endpoints.js";

/** Remembers which endpoint refused which token, so that the next attempt makes do with an older one. */
export class TokenChoice {
  readonly #refused = new Map<string, Set<string>>();

  /** The first of the tokens that the endpoint has not refused; empty when it has refused all. */
  choose(endpoint: Endpoint, tokens: readonly Uint8Array[]): Uint8Array {
    const refused = this.#refused.get(endpointKey(endpoint));
    return tokens.find((token) => refused?.has(bytesToHex(token)) !== true) ?? new Uint8Array();
  }

  refuse(endpoint: Endpoint, token: Uint8Array): void {
    const key = endpointKey(endpoint);
    this.#refused.set(key, (this.#refused.get(key) ?? new Set()).add(bytesToHex(token)));
  }

  /** The endpoint was of use: whatever it refused before is forgotten. */
  forget(endpoint: Endpoint): void {
    this.#refused.delete(endpointKey(endpoint));
  }
}
