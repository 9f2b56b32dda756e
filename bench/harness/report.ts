/**
 * What a bench prints and keeps.
 */
import { writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { join } from "node:path";
import Table from "cli-table3";
import { OUTPUT } from "./build.js";
import { PINNED } from "./processes.js";

/** The middle value; of an even number of values the upper of the two. NaN of none. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Medians of every figure of several runs. */
export function medians<Figures extends Readonly<Record<string, number>>>(runs: readonly Figures[]): Figures {
  const [first] = runs;
  if (first === undefined) throw new TypeError("there are no runs");
  const names = Object.keys(first);
  return Object.fromEntries(names.map((name) => [name, median(runs.map((run) => run[name] ?? Number.NaN))])) as Figures;
}

/** A figure that has to be reached. */
export interface Aim {
  readonly what: string;
  readonly measured: number;
  readonly bound: number;
  readonly is: "at most" | "at least";
}

/** A number with as many digits as say something. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return "-";
  return value.toLocaleString("en-US", {
    maximumFractionDigits: Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0,
  });
}

/** Tells progress, apart from the results. */
export function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Prints a line of the results. */
export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Prints a table; numbers become figures. */
export function printTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const table = new Table({ head: [...head], style: { head: [], border: [], compact: true } });
  for (const row of rows) table.push(row.map((cell) => (typeof cell === "number" ? figure(cell) : cell)));
  say(table.toString());
}

/** Prints each aim with whether it is met. What could not be measured is neither. */
export function printAims(aims: readonly Aim[]): void {
  for (const { what, measured, bound, is } of aims) {
    const isMet = is === "at most" ? measured <= bound : measured >= bound;
    const verdict = Number.isNaN(measured) ? "not measured" : isMet ? "met" : "NOT MET";
    say(`${what}: ${figure(measured)}, aim ${is} ${bound}: ${verdict}`);
  }
}

/** Writes the results for programs; says where they are. */
export function keepResults(bench: string, results: object): void {
  const file = join(OUTPUT, `${bench}.json`);
  writeFileSync(file, `${JSON.stringify({ bench, machine: machine(), ...results }, null, 2)}\n`);
  say(`all figures: ${file}`);
}

function machine() {
  const cores = cpus();
  const model = cores[0]?.model ?? "";
  return { model, cores: cores.length, linux: release(), node: process.version, pinned: PINNED };
}
