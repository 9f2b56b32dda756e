import type { Clients, Endpoint } from "../client/client.js";
import { endpointKey } from "./follower-endpoints.js";

/** One connection per endpoint, kept from stream to stream. */
export class ClientPool {
  readonly #reach: (endpoint: Endpoint) => Clients;
  readonly #held = new Map<string, Clients>();

  constructor(reach: (endpoint: Endpoint) => Clients) {
    this.#reach = reach;
  }

  of(endpoint: Endpoint): Clients {
    const key = endpointKey(endpoint);
    const clients = this.#held.get(key) ?? this.#reach(endpoint);
    this.#held.set(key, clients);
    return clients;
  }

  /** Ends an endpoint's connection; the next one may lead to another replica. */
  drop(endpoint: Endpoint): void {
    this.#held.get(endpointKey(endpoint))?.close();
    this.#held.delete(endpointKey(endpoint));
  }

  close(): void {
    for (const clients of this.#held.values()) clients.close();
    this.#held.clear();
  }
}
