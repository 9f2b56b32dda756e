/**
 * Watches over a child from a thread of its own, because a thread that decodes a file may never come to look.
 */
import { Worker } from "node:worker_threads";

const INTERVAL_MS = 50;

// As text, because a thread cannot be started from TypeScript that is not built yet.
const WATCH = `
  const { parentPid, maxRssBytes } = require("node:worker_threads").workerData;
  setInterval(() => {
    if (process.ppid !== parentPid || process.memoryUsage.rss() > maxRssBytes) process.kill(process.pid, "SIGKILL");
  }, ${INTERVAL_MS});
`;

/** What ends the process at once. */
export interface Watched {
  /** The process that started this one; when it is gone, so is this one. */
  readonly parentPid: number;
  /** Resident memory in bytes that the process may take. */
  readonly maxRssBytes: number;
}

/** Watches until the process ends, which it does not hold up. */
export function startWatchdog(watched: Watched): void {
  new Worker(WATCH, { eval: true, workerData: watched }).unref();
}
