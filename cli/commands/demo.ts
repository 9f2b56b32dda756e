import { Command } from "commander";
import { runDemo } from "../demo/demo.js";

interface DemoOptions {
  readonly chain?: string;
  readonly homes?: string;
  readonly redis?: string;
  readonly s3?: string;
  readonly dir?: string;
}

/** `zipnet demo`: the whole network on this machine. */
export function demoCommand(signal: AbortSignal): Command {
  return new Command("demo")
    .description(
      "runs a whole network on this machine for three short epochs: listing site, chain, server, two validators, " +
        "five miners of which one makes listings up; checks that everybody gets what they should",
    )
    .option(
      "--chain <address>",
      "ws:// address of a chain with quick blocks on whose subnet 1 everybody is registered, instead of an own one " +
        "[ZIPNET_CHAIN_ENDPOINT]",
    )
    .option("--homes <file>", "CSV of homes for the listing site, instead of generated ones")
    .option("--redis <url>", "redis:// address for the server's cache, instead of memory")
    .option("--s3 <url>", "s3:// address for the object store, instead of a folder")
    .option("--dir <folder>", "where everything is kept, instead of .zipnet/demo-<time>")
    .action(async ({ chain = process.env.ZIPNET_CHAIN_ENDPOINT, homes, redis, s3, dir }: DemoOptions) => {
      const wellDone = await runDemo({ chain, homes, redis, s3, dir }, signal);
      if (!wellDone) process.exitCode = 1;
    });
}
