/**
 * A TCP proxy before a server that can cut, hold and slow its connections.
 */
import { once } from "node:events";
import { type AddressInfo, type Server, type Socket, connect, createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

/** What happens to a connection. */
export type Trouble =
  /** It is reset after so many more bytes to the client, in the middle of whatever they are of. */
  | { readonly kind: "cut"; readonly afterBytes: number }
  /** Nothing passes in either direction, and nothing tells anybody. Bytes that came meanwhile pass afterwards. */
  | { readonly kind: "black-hole" }
  /** Every chunk is this late. */
  | { readonly kind: "slow"; readonly delayMs: number };

/** A proxy. */
export interface FaultProxy {
  readonly port: number;
  /**
   * Troubles the connections for which `choose`, given their number in the order in which they were made, answers how;
   * new ones as well, until the trouble is over. Answers how to end it.
   */
  trouble(choose: (connection: number) => Trouble | undefined): () => void;
  /** Ends every connection and listens no more. */
  close(): Promise<void>;
}

/** Starts a proxy on a free port of 127.0.0.1. */
export async function startFaultProxy(targetPort: number): Promise<FaultProxy> {
  const links = new Set<Link>();
  const chosen = new Set<(connection: number) => Trouble | undefined>();
  let made = 0;
  const troublesOf = (link: Link): Trouble[] =>
    [...chosen].map((choose) => choose(link.number)).filter((trouble) => trouble !== undefined);
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const link = new Link(client, targetPort, made);
    made += 1;
    links.add(link);
    void link.closed.then(() => links.delete(link));
    link.suffer(troublesOf(link));
  });
  const port = await listening(server);
  return {
    port,
    trouble(choose) {
      chosen.add(choose);
      for (const link of links) link.suffer(troublesOf(link));
      return () => {
        chosen.delete(choose);
        for (const link of links) link.suffer(troublesOf(link));
      };
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const link of links) link.destroy();
      await closed;
    },
  };
}

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** A connection through the proxy. */
class Link {
  readonly number: number;
  readonly closed: Promise<unknown>;
  readonly #client: Socket;
  readonly #server: Socket;
  #isHeld = false;
  #delayMs = 0;
  /** Bytes to the client after which the connection is cut. */
  #cutAfter = Infinity;
  /** Whoever waits for the end of a hold. */
  #waiting: (() => void)[] = [];

  constructor(client: Socket, targetPort: number, number: number) {
    this.number = number;
    this.#client = client;
    this.#server = connect({ port: targetPort, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    this.closed = Promise.all([
      this.#pass(this.#client, this.#server, false),
      this.#pass(this.#server, this.#client, true),
    ]).then(() => this.destroy());
  }

  /** Puts the connection under these troubles and no others. A cut that is begun is carried out. */
  suffer(troubles: readonly Trouble[]): void {
    this.#isHeld = troubles.some(({ kind }) => kind === "black-hole");
    this.#delayMs = Math.max(0, ...troubles.map((trouble) => (trouble.kind === "slow" ? trouble.delayMs : 0)));
    const cuts = troubles.flatMap((trouble) => (trouble.kind === "cut" ? [trouble.afterBytes] : []));
    this.#cutAfter = Math.min(this.#cutAfter, ...cuts);
    if (!this.#isHeld) this.#wakeAll();
  }

  /** Resets both sides. */
  destroy(): void {
    this.#isHeld = false;
    reset(this.#client);
    reset(this.#server);
    this.#wakeAll();
  }

  /** Passes chunks in order, waiting for the taker; that is how a client that does not read is felt by the server. */
  async #pass(from: Socket, to: Socket, isAnswer: boolean): Promise<void> {
    to.on("error", () => this.destroy());
    try {
      // Not destroyed at its end: the other half of the connection may still be in use.
      for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        if (this.#delayMs > 0) await pause(this.#delayMs);
        await this.#free();
        if (isAnswer && chunk.length >= this.#cutAfter) {
          to.write(chunk.subarray(0, this.#cutAfter), () => this.destroy());
          return;
        }
        if (isAnswer) this.#cutAfter -= chunk.length;
        if (!to.write(chunk)) await Promise.race([once(to, "drain"), once(to, "close")]);
      }
      // An end is held like everything else.
      await this.#free();
      to.end();
    } catch {
      // Whichever side broke off, the other must see it.
      this.destroy();
    }
  }

  async #free(): Promise<void> {
    while (this.#isHeld) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
  }

  #wakeAll(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** Breaks a connection off. Node cannot reset one that it has begun to end, and would hold it for ever. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
