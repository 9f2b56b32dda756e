import { readFileSync } from "node:fs";
import { z } from "zod";

/** package.json lies two folders up from dist/cli and one up from cli. */
function readVersion(): string {
  for (const path of ["../package.json", "../../package.json"]) {
    try {
      const parsed = z.object({ name: z.literal("zipnet"), version: z.string() });
      return parsed.parse(JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"))).version;
    } catch {
      // The other place has it.
    }
  }
  throw new Error("package.json of zipnet is missing beside this program");
}

/** Version of zipnet, for example "0.1.0". */
export const VERSION = readVersion();
