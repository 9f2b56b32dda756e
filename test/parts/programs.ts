/**
 * Starting real programs for tests: found on the machine, run in the foreground on loopback with their data in a
 * temporary folder, and ended with everything they started.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

const FOLDERS = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/opt/homebrew/bin"];

/** Where a program is installed; undefined when it is not. */
export function findProgram(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Why programs cannot be run, naming the missing ones and the Debian package that has them; undefined when all are there. */
export function missingReason(names: readonly string[], debianPackage: string): string | undefined {
  const missing = names.filter((name) => findProgram(name) === undefined);
  if (missing.length === 0) return undefined;
  return `${missing.join(", ")} not installed (Debian package ${debianPackage})`;
}

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("the system gave no TCP port");
  return address.port;
}

/** Waits until a check holds; throws after timeoutMs, saying what was waited for and the last error of the check. */
export async function waitUntil(what: string, timeoutMs: number, check: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let lastError: unknown;
  while (performance.now() < deadline) {
    try {
      if (await check()) return;
    } catch (error) {
      lastError = error;
    }
    await pause(50);
  }
  throw new Error(`${what} did not come within ${timeoutMs} ms`, { cause: lastError });
}

/** Programs that belong together and end together, with a temporary folder for their data. */
export interface ProgramGroup {
  /** Temporary folder, removed by stop(). */
  readonly dir: string;
  /** Starts a program that stays in the foreground, with variables added to its environment. Throws when it is not installed. */
  start(name: string, args: readonly string[], variables?: Readonly<Record<string, string>>): void;
  /** Runs a program to its end and returns its standard output; rejects with its standard error when it fails. */
  run(name: string, args: readonly string[], timeoutMs?: number): Promise<string>;
  /** A sentence on each started program that ended by itself; empty while all run. */
  ended(): string[];
  /** Sends a signal to every program that runs. */
  signal(name: NodeJS.Signals): void;
  /** Ends every program, waits until all are gone, removes the folder. May be called again. */
  stop(): Promise<void>;
}

/** A new group. Its programs are also killed when this process exits without stop(). */
export function programGroup(name: string): ProgramGroup {
  const dir = mkdtempSync(join(tmpdir(), `zipnet-${name}-`));
  const children: { program: string; child: ChildProcess; lastOutput: string }[] = [];

  const killAll = (): void => {
    for (const { child } of children) if (isRunning(child)) child.kill("SIGKILL");
    rmSync(dir, { recursive: true, force: true });
  };
  process.once("exit", killAll);

  return {
    dir,
    start(program, args, variables = {}) {
      const [command, commandArgs] = diesWithParent(installed(program), args);
      const env = { ...process.env, ...variables };
      const child = spawn(command, commandArgs, { stdio: ["ignore", "pipe", "pipe"], cwd: dir, env });
      const entry = { program, child, lastOutput: "" };
      const remember = (chunk: Buffer): void => void (entry.lastOutput = (entry.lastOutput + chunk).slice(-2_000));
      child.stdout?.on("data", remember);
      child.stderr?.on("data", remember);
      child.on("error", (error) => (entry.lastOutput += error.message));
      children.push(entry);
    },
    async run(program, args, timeoutMs = 60_000) {
      const options = { cwd: dir, timeout: timeoutMs, killSignal: "SIGKILL" as const };
      return (await promisify(execFile)(installed(program), [...args], options)).stdout;
    },
    ended: () =>
      children
        .filter(({ child }) => !isRunning(child))
        .map(
          (entry) =>
            `${entry.program} ended with ${entry.child.exitCode ?? entry.child.signalCode}: ${entry.lastOutput}`,
        ),
    signal(signalName) {
      for (const { child } of children) if (isRunning(child)) child.kill(signalName);
    },
    async stop() {
      await Promise.all(children.map(({ child }) => endProgram(child)));
      process.off("exit", killAll);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function installed(program: string): string {
  const path = findProgram(program);
  if (path === undefined) throw new Error(`${program} is not installed`);
  return path;
}

/** Linux can end a program together with whoever started it, even when that is killed. */
function diesWithParent(path: string, args: readonly string[]): [string, string[]] {
  const setpriv = process.platform === "linux" ? findProgram("setpriv") : undefined;
  return setpriv === undefined ? [path, [...args]] : [setpriv, ["--pdeathsig", "KILL", "--", path, ...args]];
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

async function endProgram(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  // One that was stopped hears of it only when it goes on.
  child.kill("SIGCONT");
  const graceful = await Promise.race([gone.then(() => true), pause(3_000, false, { ref: false })]);
  if (!graceful) child.kill("SIGKILL");
  await gone;
}
