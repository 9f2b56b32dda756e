/** skeleton */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { DescService } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import type { Cache, Clock, Log, VerifySignature } from "../core/ports.js";
import type { AuthScope } from "./auth.js";
import type { CallerDirectory } from "./callers.js";
export interface HttpMount {
  readonly pathPrefix: string;
  handle(request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse): boolean;
}
export interface ServerAuth {
  readonly scope: AuthScope;
  readonly verify: VerifySignature;
  readonly directory: CallerDirectory;
  readonly cache: Cache;
  readonly clock: Clock;
  readonly maxClockDifferenceMs: number;
  readonly maxCallsPerMinute: number;
}
export type Served<Services extends readonly DescService[]> = {
  readonly [K in keyof Services]: { readonly desc: Services[K]; readonly impl: ServiceImpl<Services[K]> };
};
export interface RpcServerOptions<Services extends readonly DescService[]> {
  readonly host: string;
  readonly port: number;
  readonly tls?: { readonly cert: Uint8Array; readonly key: Uint8Array };
  readonly services: Served<Services>;
  readonly auth: ServerAuth;
  readonly maxRequestBytes: number;
  readonly mounts?: readonly HttpMount[];
  readonly log: Log;
}
export interface RpcServer {
  readonly port: number;
  readonly closed: Promise<void>;
}
export function startRpcServer<const Services extends readonly DescService[]>(
  _options: RpcServerOptions<Services>,
  _signal: AbortSignal,
): Promise<RpcServer> {
  throw new Error("skeleton");
}
