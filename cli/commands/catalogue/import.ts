import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import { readCatalogueCsv } from "../../../adapters/catalogue-csv/catalogue-csv.js";
import { encodeCatalogue } from "../../../core/catalogue.js";

/** Skipped rows that are printed one by one. */
const SHOWN_SKIPPED_ROWS = 20;

/** `zipnet catalogue import`: a catalogue from public files. */
export function importCommand(): Command {
  return new Command("import")
    .description(
      "makes a catalogue from a CSV file with the columns zip_code, state, county, place, latitude, longitude, " +
        "expected_listings, source, as_of",
    )
    .argument("<csv>", "the file to read")
    .argument("<catalogue>", "the file to write, for the server's --catalogue")
    .action(async (csvPath: string, cataloguePath: string) => {
      const { entries, skipped } = await readCatalogueCsv(csvPath);
      for (const { line, reason } of skipped.slice(0, SHOWN_SKIPPED_ROWS)) {
        process.stderr.write(`line ${line} is left out: ${reason}\n`);
      }
      if (skipped.length > SHOWN_SKIPPED_ROWS) {
        process.stderr.write(`... and ${skipped.length - SHOWN_SKIPPED_ROWS} more lines are left out\n`);
      }
      const { bytes, sha256 } = encodeCatalogue(entries);
      await writeFile(cataloguePath, bytes);
      process.stdout.write(
        `${cataloguePath}: ${entries.length} zip codes, ${skipped.length} lines left out\n${sha256}\n`,
      );
    });
}
