import { type DescMethod, fromJsonString, toBinary } from "@bufbuild/protobuf";
import { Command, InvalidArgumentError, Option } from "commander";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { loadSigner } from "../../adapters/wallet/wallet.js";
import { EpochService } from "../../gen/zipnet/v1/epoch_service_pb.js";
import { JudgingService } from "../../gen/zipnet/v1/judging_service_pb.js";
import { ServerInfoService } from "../../gen/zipnet/v1/server_info_service_pb.js";
import { SubmissionService } from "../../gen/zipnet/v1/submission_service_pb.js";
import { authHeaders } from "../../rpc/auth/auth.js";

const SERVICES = [EpochService, SubmissionService, JudgingService, ServerInfoService];

/** The method that grpcurl calls by this name, "zipnet.v1.EpochService/GetEpoch". */
function methodOf(name: string): DescMethod {
  const methods = SERVICES.flatMap((service) => service.methods);
  const method = methods.find((candidate) => `${candidate.parent.typeName}/${candidate.name}` === name);
  if (method !== undefined) return method;
  const known = methods.map((candidate) => `${candidate.parent.typeName}/${candidate.name}`);
  throw new InvalidArgumentError(`There is no such method; these are: ${known.join(", ")}.`);
}

/** How headers are printed, by what reads them. */
const FORMATS = {
  // No blank after the colon: the shell then splits $(zipnet auth header ...) into whole arguments.
  args: (headers: Headers) => headers.map(([name, value]) => `-H ${name}:${value}`).join(" "),
  lines: (headers: Headers) => headers.map(([name, value]) => `${name}: ${value}`).join("\n"),
};

type Headers = readonly (readonly [name: string, value: string])[];

interface HeaderOptions {
  readonly format: keyof typeof FORMATS;
  readonly data: string;
  readonly wallet: string;
  readonly walletsPath: string;
  readonly receiver: string;
  readonly network: string;
  readonly netuid: string;
}

function required(flags: string, description: string, variable: string): Option {
  return new Option(flags, description).env(variable).makeOptionMandatory();
}

/** `zipnet auth header`: what a stock client must send so that one call counts as signed. */
export function authCommand(): Command {
  const header = new Command("header")
    .description(
      "prints the headers that sign one call for grpcurl or curl; good once, for as long as the server's clock allows",
    )
    .argument("<method>", "for example zipnet.v1.EpochService/GetEpoch", methodOf)
    .option("--data <json>", "the request, exactly as it is given to grpcurl -d", "{}")
    .addOption(
      required("--wallet <wallet>", "name/hotkey, hotkey file, or //Name for a development key", "ZIPNET_WALLET"),
    )
    .addOption(
      new Option("--wallets-path <folder>", "folder of the Bittensor wallets")
        .env("ZIPNET_WALLETS_PATH")
        .default("~/.bittensor/wallets"),
    )
    .addOption(required("--receiver <hotkey>", "hotkey of the server or relay that is called", "ZIPNET_RECEIVER"))
    .addOption(new Option("--network <name>", "chain network of the deployment").env("ZIPNET_NETWORK").default("local"))
    .addOption(new Option("--netuid <number>", "subnet of the deployment").env("ZIPNET_NETUID").default("1"))
    .addOption(
      new Option("--format <format>", '"args" for $(...) in a grpcurl command, "lines" for a file that curl -H @ reads')
        .choices(Object.keys(FORMATS))
        .default("args"),
    )
    .action(async (method: DescMethod, options: HeaderOptions) => {
      const headers = authHeaders({
        procedure: `/${method.parent.typeName}/${method.name}`,
        requestBytes: toBinary(method.input, fromJsonString(method.input, options.data)),
        signer: await loadSigner(options),
        scope: { receiver: options.receiver, network: options.network, netuid: Number(options.netuid) },
        nonce: BigInt(systemClock.now()) * 1_000_000n,
      });
      process.stdout.write(`${FORMATS[options.format](Object.entries(headers))}\n`);
    });
  return new Command("auth").description("signed calls by hand").addCommand(header);
}
