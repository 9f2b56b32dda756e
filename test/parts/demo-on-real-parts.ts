/**
 * Runs the demo on a real Redis and a real S3 service, started for it: `npx tsx test/parts/demo-on-real-parts.ts`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { startRadosgw } from "./radosgw.js";
import { startRedis } from "./redis.js";

async function main(): Promise<void> {
  const redis = await startRedis();
  const radosgw = await startRadosgw();
  try {
    if ("missing" in redis) throw new Error(redis.missing);
    if ("missing" in radosgw) throw new Error(radosgw.missing);
    const args = ["dist/cli/zipnet.js", "demo", "--redis", redis.url, "--s3", radosgw.url];
    const demo = spawn(process.execPath, args, { stdio: "inherit" });
    const [code] = (await once(demo, "exit")) as [number | null];
    process.exitCode = code ?? 1;
  } finally {
    for (const part of [redis, radosgw]) if ("stop" in part) await part.stop();
  }
}

await main();
