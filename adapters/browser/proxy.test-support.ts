/** A proxy on this machine, for tests of reading through one. */
import { createServer, request } from "node:http";
import { type AddressInfo, type Socket, connect } from "node:net";

/** A proxy that runs. */
export interface TestProxy {
  /** Without user and password. */
  readonly url: string;
  /** Addresses that were asked through it, and targets of tunnels, oldest first. */
  readonly asked: string[];
  /** What it was told of who asks, undefined for nothing. */
  readonly proofs: (string | undefined)[];
  close(): Promise<void>;
}

/** Starts one. `hostOf` says where a tunnel really leads. */
export async function openProxy(realTarget: (target: string) => string = (target) => target): Promise<TestProxy> {
  const asked: string[] = [];
  const proofs: (string | undefined)[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((incoming, outgoing) => {
    asked.push(incoming.url ?? "");
    proofs.push(incoming.headers["proxy-authorization"]);
    const { "proxy-authorization": _proof, ...headers } = incoming.headers;
    const passed = request(incoming.url ?? "", { method: incoming.method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
      answer.once("error", () => outgoing.destroy());
    });
    passed.once("error", () => outgoing.destroy());
    outgoing.once("close", () => passed.destroy());
    incoming.pipe(passed);
  });
  server.on("connect", (incoming, client: Socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    proofs.push(incoming.headers["proxy-authorization"]);
    const [host, port] = realTarget(incoming.url ?? "").split(":");
    const target = connect(Number(port), host, () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      target.pipe(client);
      client.pipe(target);
    });
    for (const [one, other] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.add(one);
      one.once("error", () => other.destroy());
      one.once("close", () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    proofs,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
