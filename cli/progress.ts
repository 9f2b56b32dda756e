import { basename } from "node:path";
import { grouped } from "../core/constraints/show.js";
import { sizeText } from "../core/quantities.js";

/** Where progress is shown; standard error, mostly. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

const BAR_CELLS = 20;
const LABEL_CHARACTERS = 22;
/** A terminal is drawn anew this often. */
const REDRAW_MS = 100;
/** Where nobody looks on, as in a log, a line this often says that the work goes on. */
const LINE_MS = 10_000;

/** How far a file has been read: a bar in a terminal, a line every ten seconds elsewhere. */
export class FileProgress {
  readonly #stream: ProgressStream;
  readonly #name: string;
  readonly #now: () => number;
  readonly #startMs: number;
  #shownMs: number;

  /** now: unix milliseconds. */
  constructor(stream: ProgressStream, path: string, now: () => number) {
    this.#stream = stream;
    this.#name = basename(path);
    this.#now = now;
    this.#startMs = now();
    this.#shownMs = this.#startMs;
  }

  /** Shows it, when it is time to. */
  update({ bytesRead, totalBytes, rows }: { bytesRead: number; totalBytes: number; rows: number }): void {
    const nowMs = this.#now();
    const isTerminal = this.#stream.isTTY === true;
    if (nowMs - this.#shownMs < (isTerminal ? REDRAW_MS : LINE_MS)) return;
    this.#shownMs = nowMs;
    const part = totalBytes === 0 ? 1 : Math.min(1, bytesRead / totalBytes);
    const leftSeconds = Math.ceil(((nowMs - this.#startMs) * (1 - part)) / Math.max(part, 0.001) / 1000);
    const percent = `${String(Math.floor(part * 100)).padStart(3)} %`;
    const facts = `${grouped(rows)} rows, ${leftSeconds} s left`;
    if (isTerminal) {
      const full = Math.round(part * BAR_CELLS);
      const bar = "█".repeat(full) + "░".repeat(BAR_CELLS - full);
      const label = this.#name.slice(0, LABEL_CHARACTERS);
      this.#stream.write(`\r${label} ${bar} ${percent}  ${facts}\u001b[K`);
    } else {
      this.#stream.write(`${this.#name}: ${percent.trim()} of ${sizeText(totalBytes)}, ${facts}\n`);
    }
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#stream.isTTY === true) this.#stream.write("\r\u001b[K");
  }
}
