/**
 * GET through a proxy, by what Node has: the whole address for http, a tunnel (CONNECT) for https.
 */
import { Agent as PlainAgent, type IncomingMessage, request as plainRequest } from "node:http";
import { Agent as TlsAgent, request as tlsRequest } from "node:https";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";

const MAX_REDIRECTS = 5;
/** A proxy that takes longer to open a tunnel is of no use. */
const TUNNEL_TIMEOUT_MS = 30_000;

/** An answer whose body is still to be read. */
interface ProxiedAnswer {
  /** After redirects. */
  readonly url: string;
  readonly status: number;
  /** A header by its name in lower case; undefined where there is none. */
  header(name: string): string | undefined;
  /** Decompressed. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** A way to the world. */
export interface ProxiedFetch {
  /** Rejects when no answer comes, and with the signal's reason. */
  get(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<ProxiedAnswer>;
  close(): void;
}

/** Requests through a proxy such as "http://user:password@host:port"; throws for any other kind of proxy. */
export function proxiedFetch(proxy: string): ProxiedFetch {
  const address = new URL(proxy);
  if (address.protocol !== "http:") {
    throw new Error(
      `The proxy ${address.protocol}//${address.host} is not one for HTTP; only a browser reads through it.`,
    );
  }
  const { username, password } = address;
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const proof: Record<string, string> =
    username === "" ? {} : { "proxy-authorization": `Basic ${Buffer.from(credentials).toString("base64")}` };
  const plain = new PlainAgent({ keepAlive: true });
  const tunnels = new TunnelAgent(address, proof);

  function getOnce(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sent = { ...headers, host: url.host, "accept-encoding": "gzip, deflate, br" };
      const request =
        url.protocol === "https:"
          ? tlsRequest(url.href, { agent: tunnels, headers: sent, signal })
          : plainRequest({ ...hostOf(address), path: url.href, headers: { ...sent, ...proof }, agent: plain, signal });
      request.once("response", resolve);
      request.once("error", reject);
      request.end();
    });
  }

  return {
    async get(url, headers, signal) {
      let at = new URL(url);
      for (let redirects = 0; ; redirects += 1) {
        const response = await getOnce(at, headers, signal);
        const { statusCode: status = 0, headers: answered } = response;
        const { location } = answered;
        if (status >= 300 && status < 400 && location !== undefined && URL.canParse(location, at.href)) {
          response.resume();
          if (redirects >= MAX_REDIRECTS) throw new Error(`it was redirected more than ${MAX_REDIRECTS} times`);
          at = new URL(location, at);
          continue;
        }
        const header = (name: string): string | undefined => answered[name]?.toString();
        return { url: at.href, status, header, body: decompressed(response) };
      }
    },
    close() {
      plain.destroy();
      tunnels.destroy();
    },
  };
}

function hostOf(address: URL): { host: string; port: number } {
  return { host: address.hostname.replace(/^\[|\]$/g, ""), port: Number(address.port || 80) };
}

function decompressed(response: IncomingMessage): AsyncIterable<Uint8Array> {
  const decompress = { gzip: createGunzip, deflate: createInflate, br: createBrotliDecompress };
  const coding = response.headers["content-encoding"]?.trim().toLowerCase() ?? "";
  const create = Object.hasOwn(decompress, coding) ? decompress[coding as keyof typeof decompress] : undefined;
  if (create === undefined) return response;
  const through = create();
  response.once("error", (error) => through.destroy(error));
  return response.pipe(through);
}

/** Connections of TLS within tunnels. */
class TunnelAgent extends TlsAgent {
  constructor(
    private readonly proxy: URL,
    private readonly proof: Readonly<Record<string, string>>,
  ) {
    super({ keepAlive: true });
  }

  override createConnection(
    options: { host?: string | null; port?: number | string | null; servername?: string },
    opened: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const fail = (error: Error): void => opened(error, undefined as unknown as Duplex);
    const target = `${options.host}:${options.port}`;
    const request = plainRequest({
      ...hostOf(this.proxy),
      method: "CONNECT",
      path: target,
      headers: { ...this.proof, host: target },
      agent: false,
    });
    request.once("error", fail);
    request.setTimeout(TUNNEL_TIMEOUT_MS, () => request.destroy(new Error("the proxy does not answer")));
    request.once("connect", ({ statusCode }, socket) => {
      if (statusCode === 200) {
        socket.setTimeout(0);
        opened(null, connectTls({ ...options, host: options.host ?? "", port: Number(options.port), socket }));
        return;
      }
      socket.destroy();
      fail(new Error(`the proxy answered ${statusCode} to CONNECT ${target}`));
    });
    request.end();
  }
}
