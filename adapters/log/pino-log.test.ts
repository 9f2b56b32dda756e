import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const LOG = fileURLToPath(new URL("./pino-log.ts", import.meta.url));

/** What a program that logs two lines prints. */
function printed(format: string): string[] {
  const program = `
    import { createLog } from ${JSON.stringify(LOG)};
    const log = createLog("miner", { format: ${JSON.stringify(format)}, level: "info" });
    log.debug({}, "too small to tell");
    log.info({ event: "finalized", epoch_id: "20261122T120000Z", counts: { rows: 2 } }, "done");
    log.warn({ err: new Error("it broke") }, "tried again");
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ["--import=tsx", "--input-type=module", "-e", program], {
    encoding: "utf8",
  });
  assert.equal(stderr, "");
  return stdout.trim().split("\n");
}

describe("log", () => {
  it("prints one object per line for programs, errors with their stack", () => {
    const lines = printed("json").map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(lines.length, 2);
    assert.deepEqual(
      { name: lines[0]?.name, event: lines[0]?.event, counts: lines[0]?.counts, msg: lines[0]?.msg },
      { name: "miner", event: "finalized", counts: { rows: 2 }, msg: "done" },
    );
    const error = lines[1]?.err as { stack: string } | undefined;
    assert.match(error?.stack ?? "", /it broke\n\s+at /);
  });

  it("prints one sentence per line for people", () => {
    const [first = "", second = "", ...rest] = printed("pretty");
    assert.deepEqual(rest, []);
    assert.match(first, /^\d\d:\d\d:\d\d {2}miner {2}done {2}epoch_id=20261122T120000Z counts=\{"rows":2\}$/);
    assert.match(second, /^\d\d:\d\d:\d\d {2}miner {2}WARN {2}tried again {2}err="it broke"$/);
  });
});
