/** What the node uses of ws, which has no types of its own. */
declare module "ws" {
  import type { EventEmitter } from "node:events";
  import type { AddressInfo } from "node:net";

  export class WebSocket extends EventEmitter {
    readonly readyState: number;
    send(text: string): void;
    terminate(): void;
  }

  export class WebSocketServer extends EventEmitter {
    constructor(options: { readonly host: string; readonly port: number });
    readonly clients: ReadonlySet<WebSocket>;
    address(): AddressInfo;
    close(done?: () => void): void;
  }
}
