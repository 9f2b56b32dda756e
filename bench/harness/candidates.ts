/**
 * The servers that are measured.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { toBinary } from "@bufbuild/protobuf";
import { WatchEpochsResponseSchema } from "../../gen/zipnet/v1/epoch_service_pb.js";
import { getEpochBytes } from "../servers/answers.js";
import type { OursOptions } from "../servers/ours.js";
import { OUTPUT, type Program, goServer, nodeServer } from "./build.js";
import { Epochs, bookmark, serverKey } from "./network.js";

/** A server to measure. */
export interface Candidate {
  readonly name: string;
  readonly program: Program;
}

export const OURS = "ours";
export const PLAIN_CONNECT = "plain connect-node";
export const GRPC_JS = "grpc-js, encoded once";
export const GRPC_GO = "grpc-go, encoded once";
export const RAW_CORE = "raw node:http2, core";
export const RAW_COMPAT = "raw node:http2, compat";
/** The better of the two raw ones, which is what counts. */
export const RAW = "raw node:http2";

/** Length of an epoch as a subnet has it, in seconds. */
const EPOCH_SECONDS = 14_400;

/** The command of our own server. */
export async function oursCommand(options: Partial<OursOptions> = {}): Promise<readonly string[]> {
  const records = { dir: OUTPUT, isDurable: false, epochSeconds: EPOCH_SECONDS };
  const defaults = { ...records, port: 0, checksSignatures: true, isReplacement: false };
  const full: OursOptions = { ...defaults, ...options };
  return [...(await nodeServer("ours")), JSON.stringify(full)];
}

/** Builds all servers. */
export async function allCandidates(): Promise<Candidate[]> {
  const raw = await nodeServer("raw-http2");
  return [
    { name: OURS, program: { command: await oursCommand() } },
    { name: RAW_COMPAT, program: { command: [...raw, "compat"] } },
    { name: RAW_CORE, program: { command: [...raw, "core"] } },
    { name: GRPC_JS, program: { command: await nodeServer("grpc-js") } },
    { name: GRPC_GO, program: await goCommand() },
    { name: PLAIN_CONNECT, program: { command: await nodeServer("plain-connect") } },
  ];
}

/** The server in Go sends what is made here. */
async function goCommand(): Promise<Program> {
  const program = goServer();
  if ("missing" in program) return program;
  const epochs = new Epochs(await serverKey(), EPOCH_SECONDS);
  const messages = {
    bookmark: toBinary(WatchEpochsResponseSchema, bookmark()),
    epoch: toBinary(WatchEpochsResponseSchema, epochs.message(epochs.first)),
    answer: getEpochBytes(epochs.record(epochs.first)),
  };
  const hex = Object.entries(messages).map(([name, bytes]) => [name, Buffer.from(bytes).toString("hex")]);
  const file = join(OUTPUT, "messages.json");
  writeFileSync(file, JSON.stringify(Object.fromEntries(hex)));
  return { command: [...program.command, file] };
}
