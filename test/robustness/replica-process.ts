/**
 * A replica from outside: started, killed, drained, held still.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type WriteStream, createWriteStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { ReplicaOptions } from "./replica.js";

/** Longest time from the start until it listens. */
const START_MS = 60_000;
/** Pause before a process is started again that ended before it listened. */
const SUPERVISOR_MS = 200;
/** Memory that a replica never needs: some ten times what it has at rest. */
const MOST_BYTES = 1_000_000_000;
/** Longest time from SIGTERM to the end. */
const END_MS = 30_000;

/** Bundles the program, so that a restart costs a fraction of a second; the path of the bundle. */
export async function buildReplica(): Promise<string> {
  const outfile = fileURLToPath(new URL("../../.zipnet/robustness/replica.mjs", import.meta.url));
  const entry = fileURLToPath(new URL("replica.ts", import.meta.url));
  await build({ entryPoints: [entry], outfile, bundle: true, packages: "external", platform: "node", format: "esm" });
  return outfile;
}

/** A replica. One at a time may do something to it. */
export class ReplicaProcess {
  readonly name: string;
  readonly port: number;
  readonly #program: string;
  readonly #options: ReplicaOptions;
  readonly #log: WriteStream;
  #child: ChildProcess | undefined;
  #isExpectedToRun = false;
  #lastLines: string[] = [];
  /** Whether something is being done to it. */
  isBusy = false;

  constructor(name: string, port: number, program: string, options: ReplicaOptions, logFolder: string) {
    this.name = name;
    this.port = port;
    this.#program = program;
    this.#options = options;
    this.#log = createWriteStream(join(logFolder, `${name}.log`), { flags: "a" });
  }

  /**
   * Starts it and waits until it listens. Where it ends before, for want of Redis say, it is started again as a
   * supervisor would. Rejects with its last words when it does not listen in time.
   */
  async start(): Promise<void> {
    const deadlineMs = Date.now() + START_MS;
    while (!(await this.#startOnce(deadlineMs))) {
      if (Date.now() > deadlineMs)
        throw new Error(`${this.name} did not listen in time: ${this.#lastLines.join("\n")}`);
      await pause(SUPERVISOR_MS);
    }
  }

  /** Whether it listens; else it has ended. */
  async #startOnce(deadlineMs: number): Promise<boolean> {
    const child = spawn(process.execPath, [this.#program, JSON.stringify(this.#options)], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#child = child;
    const lines = createInterface({ input: child.stdout });
    const listens = new Promise<boolean>((resolve) => {
      lines.on("line", (line) => {
        this.#note(line);
        if (line.includes('"event":"listening"')) resolve(true);
      });
    });
    child.stderr.on("data", (chunk: Buffer) => this.#note(chunk.toString().trimEnd()));
    const ended = once(child, "exit").then(() => false);
    const late = pause(Math.max(0, deadlineMs - Date.now()), false, { ref: false });
    this.#isExpectedToRun = await Promise.race([listens, ended, late]);
    if (!this.#isExpectedToRun) child.kill("SIGKILL");
    return this.#isExpectedToRun;
  }

  /** Ends it as kill -9 does. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Asks it to end, and waits until it has: every stream has been told by then. */
  async drain(): Promise<void> {
    await this.#end("SIGTERM");
  }

  suspend(): void {
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  /** What is wrong with it, when it should run and does not, or has lost hold of its memory. */
  problem(): string | undefined {
    if (!this.#isExpectedToRun || this.#child === undefined) return undefined;
    const { exitCode, signalCode, pid } = this.#child;
    if (exitCode !== null || signalCode !== null) {
      return `${this.name} ended by itself with ${exitCode ?? signalCode}: ${this.#lastLines.join("\n")}`;
    }
    const bytes = residentBytes(pid);
    return bytes > MOST_BYTES ? `${this.name} holds ${bytes} bytes of memory` : undefined;
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    this.resume();
    await this.#end("SIGTERM");
    this.#log.end();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#isExpectedToRun = false;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    const inTime = await Promise.race([gone.then(() => true), pause(END_MS, false, { ref: false })]);
    if (!inTime) child.kill("SIGKILL");
    await gone;
    if (!inTime) throw new Error(`${this.name} had not ended ${END_MS} ms after ${signal}`);
  }

  #note(line: string): void {
    this.#log.write(`${line}\n`);
    this.#lastLines = [...this.#lastLines, line].slice(-10);
  }
}

/** Memory of a process, where the system tells it as Linux does; else 0. */
function residentBytes(pid: number | undefined): number {
  try {
    const [, kilobytes = "0"] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Number(kilobytes) * 1024;
  } catch {
    return 0;
  }
}
