/**
 * The project's own sources, parsed, for tests of the house rules.
 */
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "oxc-parser";

/** Top folder of the project. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A TypeScript file. */
export interface SourceFile {
  /** Path from the top folder, for example "core/draw.ts". */
  readonly path: string;
  readonly text: string;
  /** Modules that it imports or re-exports from; relative ones as paths from the top folder. */
  readonly imports: readonly { readonly to: string; readonly line: number; readonly typeOnly: boolean }[];
  /** Functions with a body; `lines` are a function's own, without those of the functions inside it. */
  readonly functions: readonly SourceFunction[];
}

/** A function. */
interface SourceFunction {
  readonly name: string;
  readonly line: number;
  readonly lines: number;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && typeof (value as Node).type === "string";

/** Every node, each with the one that holds it. */
function* nodesOf(node: Node, parent?: Node): Generator<readonly [Node, Node | undefined]> {
  yield [node, parent];
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) yield* nodesOf(child, node);
    }
  }
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

function resolveImport(from: string, to: string): string {
  return to.startsWith(".") ? join(dirname(from), to).replace(/\.js$/, ".ts") : to;
}

const FUNCTIONS = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);

function nameOf(node: Node, parent: Node | undefined): string {
  const named = [node.id, parent?.id, parent?.key].find((candidate) => isNode(candidate) && "name" in candidate);
  return isNode(named) ? String(named.name) : "a function";
}

interface Span {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** A function that only holds others, as a factory does, is as long as what is left without them. */
function withOwnLines(outer: Span, all: readonly Span[]): SourceFunction {
  const inside = all.filter((inner) => inner !== outer && inner.start > outer.start && inner.end < outer.end);
  const foreign = new Set<number>();
  for (const { start, end } of inside) for (let line = start + 1; line <= end; line += 1) foreign.add(line);
  return { name: outer.name, line: outer.start, lines: outer.end - outer.start + 1 - foreign.size };
}

function parseFile(path: string): SourceFile {
  const text = readFileSync(join(ROOT, path), "utf8");
  const imports: SourceFile["imports"][number][] = [];
  const functions: { name: string; start: number; end: number }[] = [];
  for (const [node, parent] of nodesOf(parseSync(path, text).program as unknown as Node)) {
    const source = node.source;
    if (/^(Import|ExportNamed|ExportAll)(Declaration|Expression)$/.test(node.type) && isNode(source)) {
      const typeOnly = node.importKind === "type" || node.exportKind === "type";
      imports.push({ to: resolveImport(path, String(source.value)), line: lineAt(text, node.start), typeOnly });
    } else if (FUNCTIONS.has(node.type) && isNode(node.body)) {
      functions.push({ name: nameOf(node, parent), start: lineAt(text, node.start), end: lineAt(text, node.end) });
    }
  }
  return { path, text, imports, functions: functions.map((outer) => withOwnLines(outer, functions)) };
}

/** What is installed, built or made by running, and not the project's own. */
const FOREIGN = new Set(["node_modules", "dist", ".git", ".zipnet"]);

/** Paths of the project's files. Walks the tree, because a checkout may be on a machine without git. */
export function projectPaths(folder = ""): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (FOREIGN.has(entry.name)) return [];
    return entry.isDirectory() ? projectPaths(path) : [path];
  });
}

/** All TypeScript of the project but what is generated. */
export function sourceFiles(): SourceFile[] {
  return projectPaths()
    .filter((path) => path.endsWith(".ts") && !/(^|\/)gen\//.test(path))
    .map(parseFile);
}
