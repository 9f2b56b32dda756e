import { writeFile } from "node:fs/promises";
import { Command, InvalidArgumentError } from "commander";
import { grouped } from "../../../core/constraints/show.js";
import { addSettingFlags, mergedSettings } from "../../flags.js";
import { PLACE_SETTINGS, isKept, openNamed } from "./named.js";

function keptName(text: string): string {
  if (isKept(text)) return text;
  throw new InvalidArgumentError('It must be "next" or a SHA-256, 64 lower-case hexadecimal digits.');
}

/** `zipnet catalogue fetch`: a catalogue by its hash, from whoever serves it. */
export function fetchCommand(signal: AbortSignal): Command {
  const command = new Command("fetch")
    .description("downloads a catalogue from a server or a relay, and checks its hash")
    .argument(
      "<sha256>",
      'hash of the catalogue, or "next" for the one that the next epoch will be drawn from',
      keptName,
    )
    .argument("<file>", "the file to write");
  return addSettingFlags(command, PLACE_SETTINGS).action(
    async (name: string, file: string, flags: Record<string, string>) => {
      const { bytes, catalogue, sha256 } = await openNamed(name, mergedSettings(flags), signal);
      await writeFile(file, bytes);
      process.stdout.write(`${file}: ${grouped(catalogue.entries.length)} zip codes\n${sha256}\n`);
    },
  );
}
