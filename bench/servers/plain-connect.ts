/** connect-node as its documentation shows it: an async generator for every stream, fed by an emitter. */
import { EventEmitter, on } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { EpochService, type WatchEpochsResponse } from "../../gen/zipnet/v1/epoch_service_pb.js";
import { Epochs, bookmark, serverKey } from "../harness/network.js";
import { nowNs, serveCommands } from "./control.js";

const EPOCH_SECONDS = 14_400;

async function main(): Promise<void> {
  const epochs = new Epochs(await serverKey(), EPOCH_SECONDS);
  const record = epochs.record(epochs.first);
  const events = new EventEmitter().setMaxListeners(0);
  const handler = connectNodeAdapter({
    routes: (router) =>
      router.service(EpochService, {
        async *watchEpochs(_request, { signal }) {
          const messages = on(events, "message", { signal });
          yield bookmark();
          for await (const [message] of messages) yield message as WatchEpochsResponse;
        },
        getEpoch: () => ({ record }),
      }),
  });
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, resolve));
  let number = epochs.first;
  const publish = (): number => {
    const message = epochs.message((number += 1));
    const startNs = nowNs();
    events.emit("message", message);
    return startNs;
  };
  serveCommands({ port: (server.address() as AddressInfo).port, openingMessages: 1 }, { publish });
}

await main();
