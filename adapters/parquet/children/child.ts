/**
 * The program of a child: reads one file after the other for the process that started it. It knows nothing but the
 * files that it is given, and dies with its parent.
 *
 * Arguments: the parent's process id, and the resident memory in bytes above which the child ends itself.
 */
import { ZipnetError } from "../../../core/errors.js";
import { submittedFiles } from "../submitted-files.js";
import { type Answer, type Job, packChecked, packListings } from "./messages.js";
import { startWatchdog } from "./watchdog.js";

const files = submittedFiles();

async function answerTo(job: Job): Promise<Answer> {
  try {
    if (job.kind === "decode") return packListings(await files.decode(job.content));
    return packChecked(await files.check(job.content, job.context));
  } catch (error) {
    // Whatever else goes wrong ends the child, and counts as a death of which the file is the cause.
    if (!(error instanceof ZipnetError) || error.reason !== "FILE_UNREADABLE") throw error;
    return { kind: "unreadable", message: error.message, where: error.metadata.where ?? "" };
  }
}

function say(answer: Answer): void {
  process.send?.(answer);
}

const [parentPid = 0, maxRssBytes = 0] = process.argv.slice(2).map(Number);
startWatchdog({ parentPid, maxRssBytes });
// A signal to the whole group, as from Ctrl-C, is for the parent to act on; it may still want this file's answer.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
process.on("message", (job: Job) => {
  void answerTo(job).then(say);
});
say({ kind: "ready" });
