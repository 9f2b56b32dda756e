import { type DescMethod, fromJsonString, toBinary } from "@bufbuild/protobuf";
import { Command, InvalidArgumentError } from "commander";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { loadSigner } from "../../adapters/wallet/wallet.js";
import { EpochService } from "../../gen/zipnet/v1/epoch_service_pb.js";
import { JudgingService } from "../../gen/zipnet/v1/judging_service_pb.js";
import { ServerInfoService } from "../../gen/zipnet/v1/server_info_service_pb.js";
import { SubmissionService } from "../../gen/zipnet/v1/submission_service_pb.js";
import { authHeaders } from "../../rpc/auth.js";

const SERVICES = [EpochService, SubmissionService, JudgingService, ServerInfoService];

/** The method that grpcurl calls by this name, "zipnet.v1.EpochService/GetEpoch". */
function methodOf(name: string): DescMethod {
  const methods = SERVICES.flatMap((service) => service.methods);
  const method = methods.find((candidate) => `${candidate.parent.typeName}/${candidate.name}` === name);
  if (method !== undefined) return method;
  const known = methods.map((candidate) => `${candidate.parent.typeName}/${candidate.name}`);
  throw new InvalidArgumentError(`There is no such method; these are: ${known.join(", ")}.`);
}

interface HeaderOptions {
  readonly data: string;
  readonly wallet: string;
  readonly receiver: string;
  readonly network: string;
  readonly netuid: string;
}

/** `zipnet auth header`: what a stock client must send so that one call counts as signed. */
export function authCommand(): Command {
  const header = new Command("header")
    .description(
      "prints the -H arguments that sign one call for grpcurl; good once, for as long as the server's clock allows",
    )
    .argument("<method>", "for example zipnet.v1.EpochService/GetEpoch", methodOf)
    .option("--data <json>", "the request, exactly as it is given to grpcurl -d", "{}")
    .requiredOption("--wallet <wallet>", "hotkey file, or //Name for a development key")
    .requiredOption("--receiver <hotkey>", "hotkey of the server or relay that is called")
    .option("--network <name>", "chain network of the deployment", "local")
    .option("--netuid <number>", "subnet of the deployment", "1")
    .action(async (method: DescMethod, options: HeaderOptions) => {
      const headers = authHeaders({
        procedure: `/${method.parent.typeName}/${method.name}`,
        requestBytes: toBinary(method.input, fromJsonString(method.input, options.data)),
        signer: await loadSigner(options.wallet),
        scope: { receiver: options.receiver, network: options.network, netuid: Number(options.netuid) },
        nonce: BigInt(systemClock.now()) * 1_000_000n,
      });
      // No blank after the colon: the shell then splits $(zipnet auth header ...) into whole arguments.
      const args = Object.entries(headers).map(([name, value]) => `-H ${name}:${value}`);
      process.stdout.write(`${args.join(" ")}\n`);
    });
  return new Command("auth").description("signed calls by hand").addCommand(header);
}
