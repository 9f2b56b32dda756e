/**
 * Starting, watching and ending the programs of a network, each as a process of its own.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../adapters/clock/system-clock.js";
import type { ProgramSpec } from "./network.js";

/** The built command; this file runs as dist/cli/demo/processes.js or, in tests, as cli/demo/processes.ts. */
const ZIPNET = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "../../dist/cli/zipnet.js" : "../zipnet.js", import.meta.url),
);

/** A line of a program's log with an event for programs. */
export interface ProgramEvent {
  readonly program: string;
  readonly event: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A running program. */
export interface RunningProgram {
  readonly spec: ProgramSpec;
  /** Resolves when it is ready; rejects when it ends before. */
  readonly ready: Promise<void>;
  /** Resolves with a sentence once it has ended. */
  readonly ended: Promise<string>;
  /** Sends a signal; false when it has ended already. */
  kill(signal: NodeJS.Signals): boolean;
}

/** Events by which programs say that they are ready. */
const READY_EVENTS = new Set(["listening", "started"]);

/**
 * Starts a program. Its log goes to `<logDir>/<name>.log`; lines with an event go to `onEvent` too.
 */
export async function startProgram(
  spec: ProgramSpec,
  logDir: string,
  onEvent: (event: ProgramEvent) => void,
): Promise<RunningProgram> {
  await mkdir(logDir, { recursive: true });
  const log = createWriteStream(join(logDir, `${spec.name}.log`), { flags: "a" });
  const child = spawn(process.execPath, [ZIPNET, spec.command], {
    env: { ...plainEnvironment(), ...spec.settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stderr.on("data", (chunk: Buffer) => log.write(chunk));
  let setReady = (): void => {};
  const readyEvent = new Promise<void>((resolve) => {
    setReady = resolve;
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    log.write(`${line}\n`);
    const event = parseEvent(spec.name, line);
    if (event === undefined) return;
    if (READY_EVENTS.has(event.event)) setReady();
    onEvent(event);
  });
  const ended = endOf(child, spec.name).finally(() => log.end());
  const ready = Promise.race([
    readyEvent,
    ended.then((how) => Promise.reject(new Error(`${how} before it was ready; its log is ${String(log.path)}`))),
  ]);
  ready.catch(() => {});
  return { spec, ready, ended, kill: (signal) => child.kill(signal) };
}

/** The programs take their settings from us alone, not from variables that this shell happens to have. */
function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith("ZIPNET_") || name === "ZIPNET_CHROMIUM"),
  );
}

async function endOf(child: ChildProcess, name: string): Promise<string> {
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  return signal === null ? `${name} ended with exit code ${code}` : `${name} was ended by ${signal}`;
}

function parseEvent(program: string, line: string): ProgramEvent | undefined {
  try {
    const facts = JSON.parse(line) as Record<string, unknown>;
    return typeof facts.event === "string" ? { program, event: facts.event, facts } : undefined;
  } catch {
    return undefined;
  }
}

/** Ends programs: first asks, then, when the time is over, ends them by force. Resolves when all have ended. */
export async function stopPrograms(programs: readonly RunningProgram[], graceMs: number): Promise<void> {
  await Promise.all(programs.map((program) => stopProgram(program, graceMs)));
}

async function stopProgram(program: RunningProgram, graceMs: number): Promise<void> {
  const ended = new AbortController();
  const forced = systemClock.sleepUntil(systemClock.now() + graceMs, ended.signal).then(
    () => program.kill("SIGKILL"),
    () => false,
  );
  program.kill("SIGTERM");
  await program.ended;
  ended.abort();
  await forced;
}

/** Loopback ports that are free now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(async (server) => {
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const address = server.address();
      if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
      return address.port;
    }),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
