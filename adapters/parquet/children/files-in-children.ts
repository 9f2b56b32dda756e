/**
 * Files of others, read in processes that may die of them.
 *
 * A file that ends a child, or takes it too long, is read once more: alone, in a fresh child that may take much more.
 * Only when that one ends too is the file unreadable. So a slow or crowded machine costs nobody anything; and what
 * bounds a file everywhere alike are the fixed rules of the format, which no honest file comes near.
 */
import { availableParallelism } from "node:os";
import { ZipnetError } from "../../../core/errors.js";
import type { SubmittedFiles } from "../../../core/ports.js";
import { unreadable } from "../unreadable.js";
import { ChildDied, type ChildLimits, FileChild } from "./file-child.js";
import { type Answer, type Job, unpackChecked, unpackListings } from "./messages.js";
import { Turns } from "./turns.js";

/** Plain JavaScript once it is built, TypeScript before. */
const PROGRAM = new URL(import.meta.url.endsWith(".ts") ? "./child.ts" : "./child.js", import.meta.url);
const USUAL: ChildLimits = { heapMib: 256, residentMib: 512, timeMs: 20_000 };
const GENEROUS: ChildLimits = { heapMib: 2_048, residentMib: 3_072, timeMs: 180_000 };
/** Children are kept for so long while there is nothing to read. */
const IDLE_MS = 10_000;

/** How files are read in children. */
export interface ChildrenOptions {
  /** Files that are read at the same time, 1 and up; never more than the machine has processors. */
  readonly atOnce: number;
  /** Told when a child died of a file, with a sentence. */
  readonly onDeath: (sentence: string) => void;
  /** For tests and benches: other limits, and another program. */
  readonly usual?: ChildLimits;
  readonly generous?: ChildLimits;
  readonly program?: URL;
}

/** Files of others, read in children. */
export interface FilesInChildren extends SubmittedFiles {
  /** Ends the children. What is being read rejects with UNAVAILABLE. */
  close(): Promise<void>;
}

/** Reads in children, which are started when there is something to read. */
export function filesInChildren(options: ChildrenOptions): FilesInChildren {
  const children = new Children(options);
  return {
    async check(content, context) {
      const answer = await children.have({ kind: "check", content, context });
      return unpackChecked(answered(answer, "checked"));
    },
    async decode(content) {
      const answer = await children.have({ kind: "decode", content });
      return unpackListings(answered(answer, "decoded"));
    },
    close: () => children.close(),
  };
}

function answered<Kind extends Answer["kind"]>(answer: Answer, kind: Kind): Extract<Answer, { kind: Kind }> {
  if (answer.kind === kind) return answer as Extract<Answer, { kind: Kind }>;
  if (answer.kind === "unreadable") throw new ZipnetError("FILE_UNREADABLE", answer.message, { where: answer.where });
  throw new Error(`a child answers ${answer.kind}, but was asked for what is ${kind}`);
}

class Children {
  readonly #options: ChildrenOptions;
  readonly #program: URL;
  readonly #turns: Turns;
  readonly #idle: FileChild[] = [];
  readonly #all = new Set<FileChild>();
  #idleTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: ChildrenOptions) {
    this.#options = options;
    this.#program = options.program ?? PROGRAM;
    this.#turns = new Turns(Math.max(1, Math.min(options.atOnce, availableParallelism())));
  }

  /** Has a job done, in a second child where the first dies of it. */
  async have(job: Job): Promise<Answer> {
    const { usual = USUAL, generous = GENEROUS, onDeath } = this.#options;
    try {
      return await this.#turns.one(() => this.#inOne(job, usual));
    } catch (error) {
      if (!(error instanceof ChildDied)) throw error;
      onDeath(`a process that read a file of ${job.content.length} bytes ${error.message}; the file is read once more`);
    }
    try {
      return await this.#turns.alone(() => this.#inFresh(job, generous));
    } catch (error) {
      if (!(error instanceof ChildDied)) throw error;
      onDeath(`the second process that read the file ${error.message}; it counts as unreadable`);
      throw unreadable("the file", "ends the process that reads it, also alone and with patience", error);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idleTimer);
    await Promise.all([...this.#all].map((child) => this.#end(child)));
  }

  async #inOne(job: Job, limits: ChildLimits): Promise<Answer> {
    clearTimeout(this.#idleTimer);
    const child = this.#takeIdle() ?? (await this.#start(limits));
    const answer = await this.#ask(child, job);
    this.#idle.push(child);
    if (this.#idle.length === this.#all.size) this.#endWhenIdle();
    return answer;
  }

  async #inFresh(job: Job, limits: ChildLimits): Promise<Answer> {
    const child = await this.#start(limits);
    try {
      return await this.#ask(child, job);
    } finally {
      await this.#end(child);
    }
  }

  async #ask(child: FileChild, job: Job): Promise<Answer> {
    try {
      return await child.ask(job);
    } catch (error) {
      this.#all.delete(child);
      throw this.#isClosed ? closed() : error;
    }
  }

  /** Takes a child that waits; one that something else has ended in the meantime is dropped. */
  #takeIdle(): FileChild | undefined {
    for (let child = this.#idle.pop(); child !== undefined; child = this.#idle.pop()) {
      if (child.isAlive) return child;
      this.#all.delete(child);
    }
    return undefined;
  }

  async #start(limits: ChildLimits): Promise<FileChild> {
    if (this.#isClosed) throw closed();
    const child = await FileChild.start(this.#program, limits);
    this.#all.add(child);
    if (!this.#isClosed) return child;
    await this.#end(child);
    throw closed();
  }

  #end(child: FileChild): Promise<void> {
    this.#all.delete(child);
    return child.end();
  }

  #endWhenIdle(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => {
      for (const child of this.#idle.splice(0)) void this.#end(child);
    }, IDLE_MS);
  }
}

function closed(): ZipnetError {
  return new ZipnetError("UNAVAILABLE", "no more files are read: the program ends");
}
