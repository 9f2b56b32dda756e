/**
 * One child as its parent sees it.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { ZipnetError, messageOf } from "../../../core/errors.js";
import type { Answer, Job } from "./messages.js";

/** How much a child may take for one file. */
export interface ChildLimits {
  /** Heap of JavaScript objects, in MiB. */
  readonly heapMib: number;
  /** Resident memory in all, in MiB. */
  readonly residentMib: number;
  /** From job to answer, in milliseconds. */
  readonly timeMs: number;
}

/** A child ended before it had answered. The message says how. */
export class ChildDied extends Error {
  override name = "ChildDied";
}

const START_MS = 30_000;
const KEPT_STDERR_CHARACTERS = 1_000;
const MIB = 1024 * 1024;
const { resolve } = createRequire(import.meta.url);

/** A running child. It has one job at a time. */
export class FileChild {
  readonly #process: ChildProcess;
  readonly #limits: ChildLimits;
  #stderr = "";
  #isTooLate = false;

  private constructor(program: URL, limits: ChildLimits) {
    this.#limits = limits;
    // TypeScript needs its loader; and nothing of the environment, where secrets may stand, is handed on.
    const loader = program.pathname.endsWith(".ts") ? ["--import", resolve("tsx")] : [];
    this.#process = fork(program, [String(process.pid), String(limits.residentMib * MIB)], {
      env: {},
      execArgv: [`--max-old-space-size=${limits.heapMib}`, ...loader],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#process.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-KEPT_STDERR_CHARACTERS);
    });
  }

  /** Starts a child. Rejects with UNAVAILABLE when it does not come up: that says nothing of any file. */
  static async start(program: URL, limits: ChildLimits): Promise<FileChild> {
    const child = new FileChild(program, limits);
    try {
      await child.#answer(START_MS);
      return child;
    } catch (error) {
      const message = `a process to read files in does not start (it ${messageOf(error)}): ${child.#stderr.trim()}`;
      throw new ZipnetError("UNAVAILABLE", message, {}, { cause: error });
    }
  }

  /** Whether it can take a job. */
  get isAlive(): boolean {
    return this.#process.connected && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Has a job done. Rejects with ChildDied when the child ends, by itself or because a limit is reached. */
  async ask(job: Job): Promise<Answer> {
    const answer = this.#answer(this.#limits.timeMs);
    // What cannot be sent any more is told by the child's end.
    this.#process.send(job, () => {});
    return answer;
  }

  /** Ends the child, whatever it does. Resolves when it is gone. */
  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null || this.#process.pid === undefined) return;
    const gone = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await gone;
  }

  #answer(withinMs: number): Promise<Answer> {
    const child = this.#process;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#isTooLate = true;
        child.kill("SIGKILL");
      }, withinMs);
      const stop = (): void => {
        clearTimeout(timer);
        child.off("message", onMessage).off("exit", onExit).off("error", onError);
      };
      const onMessage = (answer: Answer): void => {
        stop();
        resolve(answer);
      };
      const onExit = (code: number | null, signal: NodeJS.Signals | null): void => {
        stop();
        const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
        reject(new ChildDied(this.#isTooLate ? `took more than ${withinMs} ms` : `ended ${how}`));
      };
      const onError = (error: Error): void => {
        stop();
        reject(new ChildDied(error.message));
      };
      child.on("message", onMessage).on("exit", onExit).on("error", onError);
      if (child.exitCode !== null || child.signalCode !== null) onExit(child.exitCode, child.signalCode);
    });
  }
}
