/**
 * Makes the programs of a bench at run time: the servers as plain JavaScript, so that no loader is measured with them,
 * and those in C and Go where their compilers are there.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const BENCH = fileURLToPath(new URL("../", import.meta.url));
/** Where everything that a bench makes goes; below the tree, so that the servers find their packages. */
export const OUTPUT = fileURLToPath(new URL("../../.zipnet/bench", import.meta.url));
mkdirSync(OUTPUT, { recursive: true });

/** A program to start, or why there is none. */
export type Program = { readonly command: readonly string[] } | { readonly missing: string };

/** A server in TypeScript from servers/. */
export async function nodeServer(name: string): Promise<readonly string[]> {
  const outfile = join(OUTPUT, `${name}.mjs`);
  await build({
    entryPoints: [join(BENCH, "servers", `${name}.ts`)],
    outfile,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "warning",
  });
  return ["node", "--expose-gc", "--enable-source-maps", outfile];
}

/** A program in C, with what all of them share. */
export function cProgram(source: string): Program {
  const output = join(OUTPUT, source.replaceAll(/.*\/|\.c$/g, ""));
  const sources = [source, "h2/h2.c"].map((path) => join(BENCH, path));
  return compiled("cc", ["-O2", "-Wall", "-Wextra", "-o", output, ...sources], BENCH, output);
}

/** The server in Go. */
export function goServer(): Program {
  const output = join(OUTPUT, "grpc-go");
  return compiled("go", ["build", "-o", output, "."], join(BENCH, "stream/go"), output);
}

function compiled(compiler: string, args: readonly string[], cwd: string, output: string): Program {
  const { error, status, stderr } = spawnSync(compiler, args, { cwd, encoding: "utf8" });
  if (error !== undefined) return { missing: `there is no ${compiler} here; install it` };
  if (status === 0) return { command: [output] };
  return { missing: `${compiler} failed: ${stderr.trim().split("\n").slice(-3).join(" / ")}` };
}
