/**
 * Starts a real part for a shell: `npx tsx test/parts/start.ts redis|radosgw` prints one line {"url": ...} and stays
 * until SIGTERM, SIGINT or the end of its standard input.
 */
import { startRadosgw } from "./radosgw.js";
import { startRedis } from "./redis.js";

const PARTS = { redis: startRedis, radosgw: startRadosgw };

async function main(name: string | undefined): Promise<void> {
  if (name !== "redis" && name !== "radosgw") {
    throw new Error(`no part "${name ?? ""}"; give one of: ${Object.keys(PARTS).join(", ")}`);
  }
  const ended = endOfStay();
  const part = await PARTS[name]();
  if ("missing" in part) throw new Error(part.missing);
  process.stdout.write(`${JSON.stringify({ url: part.url })}\n`);
  await ended;
  await part.stop();
}

/** Resolves at the first sign that the part is not wanted any more. */
function endOfStay(): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      process.stdin.destroy();
      resolve();
    };
    process.once("SIGTERM", end).once("SIGINT", end);
    process.stdin.once("end", end).once("error", end).resume();
  });
}

main(process.argv[2]).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
  process.stdin.destroy();
});
