import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { utf8ToBytes } from "../../../core/hash.js";
import { submittedFilesContract } from "../contract.js";
import { submittedFiles } from "../submitted-files.js";
import type { ChildLimits } from "./file-child.js";
import { type ChildrenOptions, type FilesInChildren, filesInChildren } from "./files-in-children.js";
import { Turns } from "./turns.js";

const HOSTILE = new URL("./hostile-child.test-support.ts", import.meta.url);
const LIMITS: ChildLimits = { heapMib: 32, residentMib: 300, timeMs: 10_000 };
const CONTEXT = { zipCode: "02169", isAssigned: true, startMs: 0, receivedMs: 0 };

submittedFilesContract("in this process", submittedFiles);
submittedFilesContract("in children", () => filesInChildren({ atOnce: 2, onDeath: assert.fail }));

/** Waits until the condition holds. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("files in children, read by a reader with faults", () => {
  const deaths: string[] = [];
  const open: FilesInChildren[] = [];
  let dir = "";
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "zipnet-children-"));
  });
  afterEach(async () => {
    deaths.length = 0;
    await Promise.all(open.splice(0).map((files) => files.close()));
  });
  after(() => rm(dir, { recursive: true }));

  /** Reads such files; resolves with the head that the hostile child makes. */
  function reader(options: Partial<ChildrenOptions> = {}) {
    const onDeath = (sentence: string): number => deaths.push(sentence);
    const limits = { usual: LIMITS, generous: LIMITS };
    const files = filesInChildren({ atOnce: 2, program: HOSTILE, onDeath, ...limits, ...options });
    open.push(files);
    return async (fault: string) => (await files.check(utf8ToBytes(fault), CONTEXT)).head;
  }

  const faults: readonly (readonly [what: string, fault: string, end: RegExp, limits?: Partial<ChildLimits>])[] = [
    ["loops without end", "loop", /took more than 300 ms/, { timeMs: 300 }],
    ["crashes", "crash", /ended by SIGABRT/],
    ["fills the heap", "heap", /ended by SIG(ABRT|TRAP|KILL)|ended with exit code/],
    ["takes 600 MB beside the heap", "buffers 600", /ended by SIGKILL/],
  ];
  for (const [what, fault, end, limits] of faults) {
    it(`calls a file at which the reader ${what} unreadable after a second try, and reads the others`, async () => {
      const usual = { ...LIMITS, ...limits };
      const read = reader({ usual, generous: usual });
      const bad = assert.rejects(read(fault), { name: "ZipnetError", reason: "FILE_UNREADABLE" });
      const others = Promise.all([read("sound"), read("sound"), read("sound")]);
      await bad;
      assert.equal((await others).length, 3);
      assert.equal(deaths.length, 2, deaths.join("; "));
      for (const death of deaths) assert.match(death, end);
      await read("sound");
    });
  }

  it("reads a file of which only the first child died", async () => {
    const read = reader();
    assert.notEqual((await read(`once ${join(dir, "died")}`)).nonce, "");
    assert.equal(deaths.length, 1);
  });

  it("gives the second try its own, generous limits", async () => {
    const read = reader({ usual: { ...LIMITS, residentMib: 250 }, generous: { ...LIMITS, residentMib: 2_000 } });
    await read("buffers 400");
    assert.equal(deaths.length, 1);
  });

  it("hands nothing of its environment on, and keeps its children for further files", async () => {
    process.env.ZIPNET_TEST_SECRET = "hush";
    try {
      const read = reader({ atOnce: 1 });
      const [first, second] = [await read("sound"), await read("sound")];
      assert.equal(first.epochId, "");
      assert.equal(second.nonce, first.nonce);
    } finally {
      delete process.env.ZIPNET_TEST_SECRET;
    }
  });

  it("does not blame a file when no child comes up", async () => {
    const read = reader({ program: new URL("./missing.js", import.meta.url) });
    await assert.rejects(read("sound"), { reason: "UNAVAILABLE", message: /does not start.*missing\.js/s });
    assert.deepEqual(deaths, []);
  });

  it("goes on when an idle child was ended by somebody else", async () => {
    const read = reader({ atOnce: 1 });
    const pid = Number((await read("sound")).nonce);
    process.kill(pid, "SIGKILL");
    await until(() => !isRunning(pid));
    assert.notEqual(Number((await read("sound")).nonce), pid);
  });

  it("ends its children when it is closed, and says so to who still waits", async () => {
    const files = filesInChildren({ atOnce: 1, program: HOSTILE, onDeath: assert.fail });
    const path = join(dir, "closed");
    const reading = assert.rejects(files.check(utf8ToBytes(`loop ${path}`), CONTEXT), { reason: "UNAVAILABLE" });
    await until(() => existsSync(path));
    await files.close();
    await reading;
    assert.equal(isRunning(Number(await readFile(path, "utf8"))), false);
    await assert.rejects(files.check(utf8ToBytes("sound"), CONTEXT), { reason: "UNAVAILABLE" });
  });

  it("leaves no child behind when its own process is killed, also one that loops", async () => {
    const path = join(dir, "orphan");
    const script = `
      const { filesInChildren } = await import(${JSON.stringify(new URL("./files-in-children.ts", import.meta.url))});
      const files = filesInChildren({ atOnce: 1, program: new URL(${JSON.stringify(HOSTILE)}), onDeath: () => {} });
      await files.check(new TextEncoder().encode(${JSON.stringify(`loop ${path}`)}), {});
    `;
    const parent = spawn(process.execPath, ["--import=tsx", "--input-type=module", "-e", script], { stdio: "inherit" });
    try {
      await until(() => existsSync(path));
    } finally {
      parent.kill("SIGKILL");
      await once(parent, "exit");
    }
    const pid = Number(await readFile(path, "utf8"));
    await until(() => !isRunning(pid));
  });
});

describe("Turns", () => {
  it("gives all turns at once to one who is alone, in the order of asking", async () => {
    const turns = new Turns(2);
    const log: string[] = [];
    const work = (name: string) => async (): Promise<void> => {
      log.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      log.push(`${name} ends`);
    };
    await Promise.all([turns.one(work("a")), turns.alone(work("b")), turns.one(work("c")), turns.one(work("d"))]);
    assert.equal(log.join(", "), "a begins, a ends, b begins, b ends, c begins, d begins, c ends, d ends");
  });
});
