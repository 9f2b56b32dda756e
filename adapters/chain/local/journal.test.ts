import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LedgerEvent } from "./events.js";
import { openJournal } from "./journal.js";
import { freshFolder } from "./local-chain.test-support.js";

const stake = (stakeRao: bigint): LedgerEvent => ({ kind: "stake", hotkey: "a", stakeRao });

describe("the journal", () => {
  let folder: Awaited<ReturnType<typeof freshFolder>>;
  let path: string;
  beforeEach(async () => {
    folder = await freshFolder();
    path = join(folder.path, "journal.jsonl");
  });
  afterEach(() => folder.remove());

  function write(...events: LedgerEvent[]): void {
    const journal = openJournal(folder.path);
    for (const event of events) journal.append(event);
    journal.close();
  }

  function read(): readonly LedgerEvent[] {
    const journal = openJournal(folder.path);
    journal.close();
    return journal.events;
  }

  it("gives back what was added, in order, stakes beyond 2^53 included", () => {
    const events = [stake(2n ** 64n - 1n), stake(0n)];
    write(...events);
    assert.deepEqual(read(), events);
  });

  it("drops a last line that was cut off anywhere, and goes on after it", async () => {
    write(stake(1n), stake(2n));
    const whole = await readFile(path);
    const firstLength = whole.indexOf("\n") + 1;
    for (let length = firstLength; length < whole.length; length += 1) {
      await writeFile(path, whole.subarray(0, length));
      assert.deepEqual(read(), [stake(1n)]);
      write(stake(3n));
      assert.deepEqual(read(), [stake(1n), stake(3n)]);
    }
  });

  it("refuses damage that no crash explains, naming the line, and stays openable", async () => {
    for (const damage of ["garbage\n", "{}\n", '{"kind":"burn"}\n', "null\n"]) {
      await writeFile(path, "");
      write(stake(1n));
      await appendFile(path, damage);
      assert.throws(read, /journal\.jsonl is damaged at line 2/);
      await writeFile(path, "");
    }
  });

  it("belongs to one holder at a time", () => {
    const journal = openJournal(folder.path);
    assert.throws(read, /in use by this process/);
    journal.close();
    assert.deepEqual(read(), []);
  });

  // Only Linux tells when a process started.
  const onLinux = process.platform === "linux" ? it : it.skip;
  onLinux("tells a living holder from a dead one, and from another process with its number", async () => {
    const child = spawn(process.execPath, ["-e", "process.stdin.resume()"], { stdio: ["pipe", "ignore", "ignore"] });
    await once(child, "spawn");
    const { pid } = child;
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const start = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    const lock = join(folder.path, "lock");
    await writeFile(lock, `${pid} ${start}\n`);
    assert.throws(read, new RegExp(`in use by process ${pid}`));
    await writeFile(lock, `${pid} 1\n`);
    assert.deepEqual(read(), []);
    await writeFile(lock, `${pid} ${start}\n`);
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.deepEqual(read(), []);
    // A restarted container may give a program the number that its predecessor had.
    await writeFile(lock, `${process.pid} 1\n`);
    assert.deepEqual(read(), []);
  });
});
