/**
 * The connections of a port by the address that they come from. One too many is not dropped without a word: it gets an
 * answer that says why, and then ends.
 */
import type { Socket } from "node:net";
import { createContextKey } from "@connectrpc/connect";
import { ZipnetError } from "../../core/errors.js";
import { NO_PROXIES, type TrustedProxies, addressGroup, socketAddress } from "./caller-address.js";
import { Counts } from "./counts.js";

/** What a connection is known by, on the socket itself and through whatever is put around it. */
type Ends = Pick<Socket, "remoteAddress" | "remotePort">;

/** The open connections. */
export class Connections {
  readonly #byAddress = new Counts();
  readonly #refused = new Map<string, ZipnetError>();
  readonly #maxPerAddress: number;
  readonly #trusted: TrustedProxies;

  /** @param maxPerAddress 1 and up; trusted proxies are not limited. */
  constructor(maxPerAddress: number, trusted: TrustedProxies = NO_PROXIES) {
    this.#maxPerAddress = maxPerAddress;
    this.#trusted = trusted;
  }

  /** Connections of an address, or of its network where it is IPv6. */
  of(address: string): number {
    return this.#byAddress.of(addressGroup(address));
  }

  /** Counts a connection until it closes. One too many may stay for its answer; what may not even that, is "cut". */
  add(socket: Socket): "taken" | "refused" | "cut" {
    const address = socketAddress(socket);
    const held = this.of(address);
    if (held < this.#maxPerAddress || this.#trusted.has(address)) {
      socket.once("close", this.#byAddress.add(addressGroup(address)));
      return "taken";
    }
    if (this.#refused.size >= MOST_ANSWERED) return "cut";
    const key = keyOf(socket);
    this.#refused.set(key, tooMany(addressGroup(address), held, this.#maxPerAddress));
    socket.once("close", () => this.#refused.delete(key));
    return "refused";
  }

  /** Whether calls on any connection are refused at present. */
  get anyRefused(): boolean {
    return this.#refused.size > 0;
  }

  /** Why calls on a connection are refused; undefined where they are not. */
  refusalOf(socket: Ends): ZipnetError | undefined {
    return this.#refused.size === 0 ? undefined : this.#refused.get(keyOf(socket));
  }
}

/** Refused connections that are answered at a time; answering must not become what the limit is there to prevent. */
const MOST_ANSWERED = 100;

function keyOf({ remoteAddress, remotePort }: Ends): string {
  return `${remoteAddress} ${remotePort}`;
}

function tooMany(who: string, held: number, limit: number): ZipnetError {
  return new ZipnetError(
    "QUOTA_EXCEEDED",
    `${who} holds ${held} connections open, and ${limit} per address are allowed; share connections, or end some`,
    { limit: String(limit), held: String(held), scope: "address" },
  );
}

/** Where the adapter leaves why the call at hand must be refused, whoever makes it. */
export const refusalKey = createContextKey<ZipnetError | undefined>(undefined, { description: "refusal" });
