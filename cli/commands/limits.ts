import { create } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import Table from "cli-table3";
import { Command } from "commander";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { optionalWalletSettings } from "../../adapters/settings/common-settings.js";
import { type SettingsOf, parse, readSettings, setting } from "../../adapters/settings/settings.js";
import { loadSigner } from "../../adapters/wallet/wallet.js";
import {
  CallerRole,
  type CallerUsage,
  CallerUsageSchema,
  type GetServerInfoResponse,
  type Limits,
  LimitsSchema,
  ServerInfoService,
} from "../../gen/zipnet/v1/server_info_service_pb.js";
import { authHeaders, nextNonce } from "../../rpc/auth/auth.js";
import { fromConnectError } from "../../rpc/errors.js";
import { addSettingFlags, mergedSettings } from "../flags.js";

const SETTINGS = {
  serverUrl: setting("Address of the server or of a relay.", parse.url()),
  ...optionalWalletSettings("Hotkey whose own use is told as well"),
};

/** Limits that are used up while one calls: what each is called, its value, and how much of it is used. */
function usedLimits(limits: Limits, usage: CallerUsage): readonly (readonly [string, number, number])[] {
  const ofAddress = [
    ["streams per address", limits.maxStreamsPerAddress, usage.openStreamsOfAddress],
    ["connections per address", limits.maxConnectionsPerAddress, usage.openConnectionsOfAddress],
  ] as const;
  if (usage.roles.length === 0) return ofAddress;
  return [
    ["signed calls per minute", usage.maxCallsPerMinute, usage.callsThisMinute],
    ["streams per hotkey", limits.maxStreamsPerHotkey, usage.openStreamsOfHotkey],
    ...ofAddress,
  ];
}

function whoText({ hotkey, roles, address }: CallerUsage): string {
  if (hotkey === "") return `from ${address}`;
  const names = roles.map((role) => CallerRole[role].toLowerCase());
  return `by ${hotkey} (${names.length === 0 ? "not registered" : names.join(", ")}) from ${address}`;
}

function limitsText({ limits, usage, receiver, network, netuid }: GetServerInfoResponse): string {
  const told = limits ?? create(LimitsSchema);
  const own = usage ?? create(CallerUsageSchema);
  const style = { head: [], border: [], compact: true };
  const used = new Table({ head: ["limit", "value", "used"], style });
  for (const [name, value, count] of usedLimits(told, own)) used.push([name, String(value), String(count)]);
  const all = new Table({ head: ["limit of every caller", "value"], style });
  for (const { name, localName } of LimitsSchema.fields) {
    all.push([name, String(told[localName as Exclude<keyof Limits, "$typeName" | "$unknown">])]);
  }
  return [`${receiver} of ${network}/${netuid}, asked ${whoText(own)}`, used.toString(), all.toString()].join("\n");
}

async function readLimits(settings: SettingsOf<typeof SETTINGS>): Promise<GetServerInfoResponse> {
  const { serverUrl, wallet, walletsPath } = settings;
  const info = createClient(ServerInfoService, createGrpcTransport({ baseUrl: serverUrl }));
  const unsigned = await info.getServerInfo({});
  if (wallet === undefined) return unsigned;
  const signer = await loadSigner({ wallet, walletsPath });
  const { receiver, network, netuid } = unsigned;
  const headers = authHeaders({
    procedure: "/zipnet.v1.ServerInfoService/GetServerInfo",
    requestBytes: new Uint8Array(),
    signer,
    scope: { receiver, network, netuid },
    nonce: nextNonce(signer, systemClock),
  });
  return await info.getServerInfo({}, { headers });
}

/** `zipnet limits`: what a server or a relay holds its callers to, and how much of it this caller uses. */
export function limitsCommand(): Command {
  const command = new Command("limits").description("prints what callers are held to, and how much of it one uses");
  return addSettingFlags(command, SETTINGS).action(async (flags: Record<string, string>) => {
    const info = await readLimits(readSettings(SETTINGS, mergedSettings(flags))).catch((error: unknown) => {
      throw fromConnectError(error);
    });
    process.stdout.write(`${limitsText(info)}\n`);
  });
}
