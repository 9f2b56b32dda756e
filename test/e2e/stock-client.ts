/**
 * What tests with stock clients share: a server that runs, and the command that signs a call for them.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { serverSpec, walletOf } from "../../cli/demo/network.js";
import { Testbed, openEpochLengthSeconds } from "./testbed.js";

const run = promisify(execFile);
const ZIPNET = fileURLToPath(new URL("../../dist/cli/zipnet.js", import.meta.url));

/** A server with an open epoch. settings: more of its settings, as environment variables. */
export async function startServerWithEpoch(settings: Readonly<Record<string, string>> = {}): Promise<Testbed> {
  const epochLengthSeconds = openEpochLengthSeconds(systemClock.now());
  const testbed = await Testbed.create({
    epochLengthSeconds,
    startUpMs: -epochLengthSeconds * 1000,
  });
  try {
    const spec = serverSpec(testbed.plan);
    await testbed.network.start({ ...spec, settings: { ...spec.settings, ...settings } });
    await testbed.until("an epoch", ({ program, event }) => program === "server" && event === "epoch_recorded", 30_000);
  } catch (error) {
    await testbed[Symbol.asyncDispose]();
    throw error;
  }
  return testbed;
}

/** Headers that sign one call, as `zipnet auth header` prints them: "name:value". */
export async function authHeader(testbed: Testbed, method: string, data: object, who = "swift"): Promise<string[]> {
  const { stdout } = await run(process.execPath, [
    ZIPNET,
    "auth",
    "header",
    method,
    "--data",
    JSON.stringify(data),
    "--wallet",
    walletOf(who),
    "--receiver",
    testbed.plan.ownerHotkey,
    "--network",
    "local",
    "--netuid",
    "1",
  ]);
  return stdout
    .trim()
    .split(/\s*-H /)
    .filter((header) => header !== "");
}
