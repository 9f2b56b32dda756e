import { type FileHandle, open } from "node:fs/promises";
import { grouped } from "../../../core/constraints/show.js";

/** What was left out, and why. */
interface Skipped {
  readonly file: string;
  /** Undefined where it is not one row. */
  readonly line: number | undefined;
  /** The same words for all that is left out for this. */
  readonly reason: string;
  readonly detail: string;
}

const FLUSH_CHARACTERS = 262_144;

/** Counts what is left out by reason, and writes every row of it to a file where one is wanted. */
export class SkippedRows {
  readonly #byReason = new Map<string, { count: number; readonly example: string }>();
  readonly #path: string | undefined;
  #file: FileHandle | undefined;
  #waiting = "file,line,reason,detail\n";

  /** The file, CSV, is made with the first write; undefined: none is wanted. */
  constructor(path: string | undefined) {
    this.#path = path;
  }

  /** Takes one in. */
  add({ file, line, reason, detail }: Skipped): Promise<void> | void {
    const known = this.#byReason.get(reason);
    const where = line === undefined ? file : `${file}:${line}`;
    if (known === undefined) this.#byReason.set(reason, { count: 1, example: `${where}  ${detail}` });
    else known.count += 1;
    if (this.#path === undefined) return;
    this.#waiting += `${[file, line ?? "", reason, detail].map(csvCell).join(",")}\n`;
    if (this.#waiting.length >= FLUSH_CHARACTERS) return this.#flush();
  }

  /** Writes what is left. Nothing more is taken in. */
  async close(): Promise<void> {
    if (this.#path === undefined) return;
    await this.#flush();
    await this.#file?.close();
  }

  /** How many rows there are of each reason, with the first one as an example; empty where there are none. */
  lines(): readonly string[] {
    const reasons = [...this.#byReason].sort(([, a], [, b]) => b.count - a.count);
    return reasons.flatMap(([reason, { count, example }]) => [
      `${grouped(count).padStart(11)}  ${reason}`,
      `${" ".repeat(13)}for example ${example.length > 80 ? `${example.slice(0, 79)}…` : example}`,
    ]);
  }

  /** How many there are in all. */
  get count(): number {
    return [...this.#byReason.values()].reduce((sum, { count }) => sum + count, 0);
  }

  async #flush(): Promise<void> {
    if (this.#path === undefined) return;
    this.#file ??= await open(this.#path, "w");
    const text = this.#waiting;
    this.#waiting = "";
    await this.#file.writeFile(text);
  }
}

function csvCell(cell: string | number): string {
  const text = String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
