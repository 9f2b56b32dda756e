/**
 * What this process and its children take, from /proc.
 */
import { readFileSync, readdirSync } from "node:fs";

/** Process ids of this process and of those that it started. */
function family(): number[] {
  const children = readdirSync("/proc/self/task").flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, "utf8").trim().split(" "),
  );
  return [process.pid, ...children.filter((pid) => pid !== "").map(Number)];
}

function sumOver(valueOf: (pid: number) => number): number {
  let sum = 0;
  for (const pid of family()) {
    try {
      sum += valueOf(pid);
    } catch {
      // It ended between the list and the look.
    }
  }
  return sum;
}

/** Resident memory of all, in bytes. Pages that they share count for each. */
export function residentBytes(): number {
  return sumOver((pid) => {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  });
}

/** Processor time that all have used so far, in seconds. */
export function processorSeconds(): number {
  return sumOver((pid) => {
    const tasks = `/proc/${pid}/task`;
    const ns = readdirSync(tasks).map((task) =>
      Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]),
    );
    return ns.reduce((sum, each) => sum + each, 0) / 1e9;
  });
}
