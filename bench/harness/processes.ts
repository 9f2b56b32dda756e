/**
 * The processes of a bench: each on its own core, spoken to in lines, watched through /proc, ended by its id.
 */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";

/** Longer than any step takes; a process that says nothing for this long has failed. */
const ANSWER_MS = 300_000;

const canPin = availableParallelism() > 1 && spawnSync("taskset", ["--version"]).status === 0;

/** Whether every process has a core of its own: otherwise server and receiver take time from each other. */
export const PINNED = canPin;

/** Core of the server that is measured, and of whoever measures it. */
export const SERVER_CORE = 0;
export const RECEIVER_CORE = 1;

type Answer = Readonly<Record<string, unknown>>;

interface Waiter {
  readonly key: string;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

const running = new Set<BenchProcess>();

// A bench that is interrupted takes its processes with it.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    for (const child of running) child.kill();
    process.kill(process.pid, signal);
  });
}
process.once("exit", () => {
  for (const child of running) child.kill();
});

/** A process that takes commands and answers in lines of JSON. */
export class BenchProcess {
  readonly #name: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<void>;
  readonly #waiters: Waiter[] = [];
  readonly #unread: Answer[] = [];
  #failure: Error | undefined;

  /** Starts a command on a core, with as many open files as the machine allows. */
  constructor(name: string, command: readonly string[], core: number) {
    this.#name = name;
    const pinned = canPin ? ["taskset", "-c", String(core), ...command] : command;
    const script = 'ulimit -n "$(ulimit -Hn)"; exec "$@"';
    // Its last lines on stderr say why a process failed; inherited, they are in front of whoever runs the bench.
    this.#child = spawn("sh", ["-c", script, "sh", ...pinned], {
      stdio: ["pipe", "pipe", "inherit"],
    }) as unknown as ChildProcessWithoutNullStreams;
    running.add(this);
    this.#child.stdin.on("error", () => {});
    createInterface(this.#child.stdout).on("line", (line) => this.#take(JSON.parse(line) as Answer));
    this.#ended = new Promise((resolve) => {
      this.#child.once("close", (code, signal) => {
        running.delete(this);
        this.#failure = new Error(`${name} ended with ${signal ?? `status ${code}`}`);
        for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#failure);
        resolve();
      });
    });
  }

  /** Sends a command; resolves with the value of the key in the first line that has it. */
  async ask<T>(command: string, key = command.split(" ")[0] ?? command): Promise<T> {
    this.#child.stdin.write(`${command}\n`);
    return await this.answer<T>(key);
  }

  /** The value of a key in the first line that has it. Rejects when the process ends or is silent for minutes. */
  async answer<T>(key: string): Promise<T> {
    const index = this.#unread.findIndex((answer) => key in answer);
    if (index >= 0) return this.#unread.splice(index, 1)[0]?.[key] as T;
    if (this.#failure !== undefined) throw this.#failure;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#waiters.push({ key, resolve: (value) => resolve(value as T), reject });
        const silent = (): void => reject(new Error(`${this.#name} did not say "${key}" in ${ANSWER_MS / 1000} s`));
        timer = setTimeout(silent, ANSWER_MS);
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Nanoseconds of processor that all its threads have used. */
  cpuNs(): number {
    const tasks = `/proc/${this.#child.pid}/task`;
    return readdirSync(tasks)
      .map((task) => Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]))
      .reduce((sum, ns) => sum + ns, 0);
  }

  /** Resident memory in KB. The kernel's socket buffers are not in it. */
  residentKb(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  }

  /** Ends the process as a power failure would. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** Ends the process and waits until it is gone. */
  async stop(): Promise<void> {
    this.kill();
    await this.#ended;
  }

  #take(answer: Answer): void {
    const index = this.#waiters.findIndex(({ key }) => key in answer);
    const [waiter] = index < 0 ? [] : this.#waiters.splice(index, 1);
    if (waiter === undefined) this.#unread.push(answer);
    else waiter.resolve(answer[waiter.key]);
  }
}

/** Files that one process may have open here; what ulimit -Hn says. */
export function openFilesLimit(): number {
  const said = spawnSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" }).stdout.trim();
  return said === "unlimited" ? Infinity : Number(said);
}

/** Resolves after a pause, for what happens by itself in the meantime. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
