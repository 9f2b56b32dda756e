/** Sends requests as they are, where an HTTP client would mend them. */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";

/** A request, every header but host included. */
export interface BareRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** What is looked at of an answer. */
export interface BareAnswer {
  readonly status: number;
  /** Without quotation marks; empty when there is none. */
  readonly etag: string;
}

/** Rejects when the connection fails, ends without an answer, or the signal is aborted. */
export function sendBare({ method, url, headers, body }: BareRequest, signal: AbortSignal): Promise<BareAnswer> {
  const request = url.startsWith("https:") ? httpsRequest : httpRequest;
  // One signal for many requests would be warned of as a leak.
  const own = AbortSignal.any([signal]);
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers: { ...headers }, agent: false, signal: own }, (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, etag: (response.headers.etag ?? "").replaceAll('"', "") });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
