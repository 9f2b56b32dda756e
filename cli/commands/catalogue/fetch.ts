import { writeFile } from "node:fs/promises";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { Command, InvalidArgumentError } from "commander";
import { parse, readSettings, setting } from "../../../adapters/settings/settings.js";
import { fetchTransfer } from "../../../adapters/transfer/fetch-transfer.js";
import { ServerInfoService } from "../../../gen/zipnet/v1/server_info_service_pb.js";
import { downloadCatalogue } from "../../../rpc/catalogues/download.js";
import { fromConnectError } from "../../../rpc/errors.js";
import { addSettingFlags, mergedSettings } from "../../flags.js";

const SETTINGS = {
  serverUrl: setting("Address of the server or of a relay; several are separated by commas.", parse.urls()),
};

function nameOf(text: string): string {
  if (text === "next" || /^[0-9a-f]{64}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be "next" or a SHA-256, 64 lower-case hexadecimal digits.');
}

/** The hash of the catalogue that the next epoch will be drawn from, by the server's word. */
async function announcedBy(serverUrl: string, signal: AbortSignal): Promise<string> {
  const info = createClient(ServerInfoService, createGrpcTransport({ baseUrl: serverUrl }));
  const { catalogueSha256 } = await info.getServerInfo({}, { signal }).catch((error: unknown) => {
    throw fromConnectError(error);
  });
  if (catalogueSha256 !== "") return catalogueSha256;
  throw new Error(
    `${serverUrl} announces no catalogue: it is a relay; ask the server, or give a SHA-256 instead of "next"`,
  );
}

/** `zipnet catalogue fetch`: a catalogue by its hash, from whoever serves it. */
export function fetchCommand(signal: AbortSignal): Command {
  const command = new Command("fetch")
    .description("downloads a catalogue from a server or a relay, and checks its hash")
    .argument("<sha256>", 'hash of the catalogue, or "next" for the one that the next epoch will be drawn from', nameOf)
    .argument("<file>", "the file to write");
  return addSettingFlags(command, SETTINGS).action(
    async (name: string, file: string, flags: Record<string, string>) => {
      const { serverUrl: urls } = readSettings(SETTINGS, mergedSettings(flags));
      const sha256 = name === "next" ? await announcedBy(urls[0] ?? "", signal) : name;
      const { bytes, catalogue } = await downloadCatalogue(fetchTransfer(), urls, sha256, signal);
      await writeFile(file, bytes);
      process.stdout.write(`${file}: ${catalogue.entries.length} zip codes\n${sha256}\n`);
    },
  );
}
