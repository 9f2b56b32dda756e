/**
 * An S3 service that takes no notice of If-None-Match, as some do: a proxy in front of a real one that strips it. As
 * the header is signed, the proxy signs what it strips anew.
 */
import { once } from "node:events";
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { s3Client } from "../../adapters/objects/s3/s3-client.js";
import { type S3Settings, formatS3Url } from "../../adapters/objects/s3/s3-url.js";

/** A running proxy. */
export interface CarelessS3 {
  /** Setting text for parseS3Url. */
  readonly url: string;
  readonly settings: S3Settings;
  stop(): Promise<void>;
}

/** Starts a proxy on a free port in front of a service that is reached by HTTP with the bucket in the path. */
export async function startCarelessS3(behind: S3Settings): Promise<CarelessS3> {
  const client = s3Client(behind);
  const { port: portBehind } = new URL(behind.endpoint);

  async function putPlainly(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, bucket, ...names] = new URL(request.url ?? "", behind.endpoint).pathname
      .split("/")
      .map(decodeURIComponent);
    const Body = await buffer(request);
    const { ETag } = await client.send(new PutObjectCommand({ Bucket: bucket, Key: names.join("/"), Body }));
    response.writeHead(200, { etag: ETag }).end();
  }

  function pass(request: IncomingMessage, response: ServerResponse): void {
    const { method, url, headers } = request;
    const onward = forward({ host: "127.0.0.1", port: portBehind, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  }

  const server = createServer((request, response) => {
    const isConditional = request.method === "PUT" && request.headers["if-none-match"] !== undefined;
    if (isConditional) putPlainly(request, response).catch(() => response.destroy());
    else pass(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  const settings = { ...behind, endpoint: `http://127.0.0.1:${address.port}` };
  return {
    url: formatS3Url(settings),
    settings,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      client.destroy();
    },
  };
}
