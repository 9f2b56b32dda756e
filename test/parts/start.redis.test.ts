import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { connect } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { findProgram, waitUntil } from "./programs.js";
import { redisMissing } from "./redis.js";

const missing = redisMissing();
const SCRIPT = fileURLToPath(new URL("start.ts", import.meta.url));

/** Whether anything takes connections there. */
function listens(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    const answer = (listening: boolean): void => {
      socket.destroy();
      resolve(listening);
    };
    socket.on("connect", () => answer(true)).on("error", () => answer(false));
  });
}

(missing === undefined ? describe : describe.skip)(
  `starting a part${missing === undefined ? "" : `: ${missing}`}`,
  function () {
    this.timeout(30_000);
    const started: ChildProcess[] = [];
    let temporary: string;
    beforeEach(async () => {
      temporary = await mkdtemp(join(tmpdir(), "zipnet-start-"));
    });
    afterEach(async () => {
      for (const child of started.splice(0)) child.kill("SIGKILL");
      await rm(temporary, { recursive: true, force: true });
    });

    function run(...args: string[]): { child: ChildProcess; exited: Promise<number | null>; output: () => string } {
      const child = spawn(process.execPath, ["--import=tsx", SCRIPT, ...args], {
        env: { ...process.env, TMPDIR: temporary },
      });
      started.push(child);
      let output = "";
      child.stderr?.on("data", (chunk: Buffer) => (output += chunk.toString()));
      return { child, exited: new Promise((resolve) => child.once("exit", resolve)), output: () => output };
    }

    async function urlOf(child: ChildProcess): Promise<string> {
      assert.ok(child.stdout);
      for await (const line of createInterface({ input: child.stdout }))
        return (JSON.parse(line) as { url: string }).url;
      throw new Error("it ended without a line");
    }

    const ends: Record<string, (child: ChildProcess) => void> = {
      "the end of its standard input": (child) => child.stdin?.end(),
      SIGTERM: (child) => child.kill("SIGTERM"),
    };
    for (const [what, end] of Object.entries(ends)) {
      it(`stays until ${what}, and takes the part along`, async () => {
        const { child, exited } = run("redis");
        const url = await urlOf(child);
        assert.equal(await listens(url), true);
        end(child);
        assert.equal(await exited, 0);
        assert.equal(await listens(url), false);
      });
    }

    const canFollow = process.platform === "linux" && findProgram("setpriv") !== undefined;
    (canFollow ? it : it.skip)("takes the part along even when it is killed", async () => {
      const { child, exited } = run("redis");
      const url = await urlOf(child);
      child.kill("SIGKILL");
      await exited;
      await waitUntil("the end of the part", 5_000, async () => !(await listens(url)));
    });

    it("names the parts there are when given another", async () => {
      const { exited, output } = run("postgres");
      assert.equal(await exited, 1);
      assert.match(output(), /no part "postgres".*redis, radosgw/);
    });
  },
);
