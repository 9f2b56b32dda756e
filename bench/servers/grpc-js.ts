/** @grpc/grpc-js with messages that are encoded once. */
import { Server, ServerCredentials, type ServerWritableStream, type handleUnaryCall } from "@grpc/grpc-js";
import { toBinary } from "@bufbuild/protobuf";
import { WatchEpochsResponseSchema } from "../../gen/zipnet/v1/epoch_service_pb.js";
import { Epochs, GET_EPOCH, WATCH_EPOCHS, bookmark, serverKey } from "../harness/network.js";
import { getEpochBytes } from "./answers.js";
import { nowNs, serveCommands } from "./control.js";

const EPOCH_SECONDS = 14_400;

const asIs = (bytes: Buffer): Buffer => bytes;

function methodOf(path: string, responseStream: boolean) {
  return {
    path,
    requestStream: false,
    responseStream,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
}

async function main(): Promise<void> {
  const epochs = new Epochs(await serverKey(), EPOCH_SECONDS);
  const open = new Set<ServerWritableStream<Buffer, Buffer>>();
  const answer = Buffer.from(getEpochBytes(epochs.record(epochs.first)));
  const first = Buffer.from(toBinary(WatchEpochsResponseSchema, bookmark()));
  const getEpoch: handleUnaryCall<Buffer, Buffer> = (_call, callback) => callback(null, answer);
  const server = new Server();
  server.addService(
    { watchEpochs: methodOf(WATCH_EPOCHS, true), getEpoch: methodOf(GET_EPOCH, false) },
    {
      watchEpochs(call: ServerWritableStream<Buffer, Buffer>) {
        open.add(call);
        call.on("error", () => {});
        call.once("close", () => open.delete(call));
        call.write(first);
      },
      getEpoch,
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  let number = epochs.first;
  const publish = (): number => {
    const message = epochs.message((number += 1));
    const startNs = nowNs();
    const bytes = Buffer.from(toBinary(WatchEpochsResponseSchema, message));
    for (const call of open) call.write(bytes);
    return startNs;
  };
  serveCommands({ port, openingMessages: 1 }, { publish });
}

await main();
