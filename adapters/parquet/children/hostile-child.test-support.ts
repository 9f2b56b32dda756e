/**
 * A child whose reader has faults: what a crafted file would have to find in the real one. The file says which, in
 * plain text: the fault and its argument. The child is watched over as the real one is.
 */
import { existsSync, writeFileSync } from "node:fs";
import type { Answer, Job } from "./messages.js";
import { startWatchdog } from "./watchdog.js";

const MIB = 1024 * 1024;

const faults: Readonly<Record<string, (argument: string) => unknown>> = {
  loop(path) {
    if (path !== "") writeFileSync(path, String(process.pid));
    for (;;);
  },
  crash: () => process.abort(),
  heap() {
    const kept: unknown[] = [];
    for (;;) kept.push(Array.from({ length: 1_000 }, (_, index) => ({ index })));
  },
  buffers: (mib) => Array.from({ length: Number(mib) }, () => Buffer.alloc(MIB, 1)).length,
  once(path) {
    if (existsSync(path)) return;
    writeFileSync(path, "");
    process.abort();
  },
};

/** Tells, as the head of a file, which variables the child has, and its process id. */
function surroundings(): Answer {
  const names = Object.keys(process.env).filter((name) => !name.startsWith("NODE_CHANNEL"));
  const head = { epochId: names.join(" "), nonce: String(process.pid), hotkey: "", zipCode: "" };
  return {
    kind: "checked",
    head,
    listingIds: [],
    presentBps: new Uint16Array(0),
    remarks: new Map(),
    sound: {} as never,
  };
}

const [parentPid = 0, maxRssBytes = 0] = process.argv.slice(2).map(Number);
startWatchdog({ parentPid, maxRssBytes });
process.on("message", ({ content }: Job) => {
  const [fault = "", argument = ""] = new TextDecoder().decode(content).split(" ");
  faults[fault]?.(argument);
  process.send?.(surroundings());
});
process.send?.({ kind: "ready" });
