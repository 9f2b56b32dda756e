/**
 * An endpoint of the chain: JSON-RPC over WebSocket, with the faults that real ones have.
 */
import { once } from "node:events";
import { type WebSocket, WebSocketServer } from "ws";
import type { SubtensorNode } from "./node.js";
import { RpcFailure } from "./pool.js";
import { type View, answerOf, headsOf } from "./rpc.js";

/** An open WebSocket's state. */
const OPEN = 1;

interface Request {
  readonly id: number;
  readonly method: string;
  readonly params?: readonly unknown[];
}

/** An endpoint. */
export class Endpoint {
  /** Takes in calls and connections and answers nothing, as behind a half-open socket. */
  isSilent = false;
  /** Errors for the next submissions, instead of taking them. */
  readonly refusals: RpcFailure[] = [];
  /** Takes the next submission, and then breaks the connection instead of answering. */
  losesNextSubmission = false;
  /** Called with the method before each call is answered. */
  onCall: (method: string) => void = () => {};
  /** Methods that were called, in order. */
  readonly calls: string[] = [];
  #server: WebSocketServer;
  readonly #view: View;
  readonly #heads = new Map<WebSocket, string>();
  #stop: () => void;

  private constructor(
    private readonly node: SubtensorNode,
    private readonly host: string,
    server: WebSocketServer,
  ) {
    this.#view = { node, lagBlocks: 0 };
    this.#server = server;
    this.#accept();
    this.#stop = node.onChange(() => this.#tellHeads());
  }

  /** Serves a chain. Port 0 is any free one. */
  static async listen(node: SubtensorNode, port = 0, host = "127.0.0.1"): Promise<Endpoint> {
    const server = new WebSocketServer({ host, port });
    await once(server, "listening");
    return new Endpoint(node, host, server);
  }

  get url(): string {
    return `ws://${this.host}:${this.#port}`;
  }

  /** Shows the chain as it was some blocks ago. */
  set lagBlocks(blocks: number) {
    this.#view.lagBlocks = blocks;
  }

  get connections(): number {
    return this.#server.clients.size;
  }

  /** Breaks all connections. */
  drop(): void {
    for (const socket of this.#server.clients) socket.terminate();
  }

  /** Stops listening, and breaks all connections. */
  async goDown(): Promise<void> {
    this.#downPort = this.#port;
    const closed = new Promise<void>((resolve) => this.#server.close(resolve));
    this.drop();
    await closed;
  }

  /** Listens again. */
  async comeUp(): Promise<void> {
    this.#server = new WebSocketServer({ host: this.host, port: this.#downPort });
    this.#downPort = 0;
    await once(this.#server, "listening");
    this.#accept();
  }

  /** Ends the endpoint. */
  async close(): Promise<void> {
    this.#stop();
    if (this.#downPort === 0) await this.goDown();
  }

  #downPort = 0;

  get #port(): number {
    return this.#downPort === 0 ? this.#server.address().port : this.#downPort;
  }

  #accept(): void {
    this.#server.on("connection", (socket: WebSocket) => {
      socket.on("message", (data: Buffer) => this.#answer(socket, JSON.parse(data.toString()) as Request));
      socket.on("close", () => this.#heads.delete(socket));
      socket.on("error", () => socket.terminate());
    });
  }

  #answer(socket: WebSocket, { id, method, params = [] }: Request): void {
    this.calls.push(method);
    if (this.isSilent) return;
    this.onCall(method);
    const reply = (body: object): void => {
      if (socket.readyState === OPEN) socket.send(JSON.stringify({ jsonrpc: "2.0", id, ...body }));
    };
    try {
      if (method === "chain_subscribeFinalizedHeads") {
        reply({ result: "heads" });
        this.#heads.set(socket, "");
        this.#tellHeads();
        return;
      }
      const refusal = method === "author_submitExtrinsic" ? this.refusals.shift() : undefined;
      if (refusal !== undefined) throw refusal;
      const result = answerOf(this.#view, method, params);
      if (method === "author_submitExtrinsic" && this.losesNextSubmission) {
        this.losesNextSubmission = false;
        socket.terminate();
        return;
      }
      reply({ result });
    } catch (error) {
      const { code, message, data } =
        error instanceof RpcFailure ? error : new RpcFailure(-32_603, `Internal error: ${String(error)}`);
      reply({ error: { code, message, ...(data === undefined ? {} : { data }) } });
    }
  }

  #tellHeads(): void {
    if (this.isSilent) return;
    const { hash, header } = headsOf(this.#view).finalized;
    for (const [socket, told] of this.#heads) {
      if (told === hash || socket.readyState !== OPEN) continue;
      this.#heads.set(socket, hash);
      const params = { subscription: "heads", result: header };
      socket.send(JSON.stringify({ jsonrpc: "2.0", method: "chain_finalizedHead", params }));
    }
  }
}
