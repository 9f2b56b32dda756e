/**
 * Which room may import what. The rooms are described in docs/ARCHITECTURE.md.
 */
import type { SourceFile } from "./source-tree.js";

const isTest = (path: string): boolean =>
  path.startsWith("test/") ||
  path.startsWith("bench/") ||
  /(\.test|\.test-support|\/contract|\/fixtures\/.*)\.ts$/.test(path);

/** Room of a path: its top folder, and for adapters the folder of the port, too. */
function roomOf(path: string): string {
  const [top = "", second = ""] = path.split("/");
  return top === "adapters" ? `adapters/${second}` : top;
}

const PROGRAMS = new Set(["server", "miner", "validator"]);
/** Packages that belong to the contract itself, so every room may use them. */
const CONTRACT_PACKAGES = /^@bufbuild\/protobuf(\/|$)/;
const HASH_PACKAGES = /^@noble\/hashes(\/|$)/;
/** Parses what comes from outside at the edge; no outside thing of its own. */
const PARSER = "zod";

/** Packages that count as one vendor SDK. */
function vendorOf(name: string): string {
  const scope = /^(@aws-sdk|@polkadot|@connectrpc)\//.exec(name)?.[1];
  if (scope !== undefined) return scope;
  if (name.startsWith("hyparquet")) return "hyparquet";
  return name.startsWith("@") ? name.split("/").slice(0, 2).join("/") : (name.split("/")[0] ?? name);
}

const isPackage = (to: string): boolean => !/^[\w-]+\/.*\.ts$/.test(to) && !to.startsWith("node:");

function coreProblem(to: string): string | undefined {
  if (CONTRACT_PACKAGES.test(to) || HASH_PACKAGES.test(to) || /^(core|gen)\//.test(to)) return undefined;
  return "core imports only core, gen and a hash library";
}

function rpcProblem(to: string): string | undefined {
  if (isPackage(to)) return undefined;
  return /^(core|gen|rpc)\//.test(to) || to.startsWith("node:") ? undefined : "rpc imports only core, gen and rpc";
}

function adapterProblem(room: string, path: string, to: string): string | undefined {
  // A program that an adapter brings with it is composed in its own main.ts and config.ts, the source of listings that
  // settings name in open.ts.
  const composes = /\/(main|config)\.ts$/.test(path) || path === "adapters/source/open.ts";
  if (isPackage(to) || to.startsWith("node:") || /^(core|gen)\//.test(to)) return undefined;
  if (to.startsWith(`${room}/`) || (composes && to.startsWith("adapters/"))) return undefined;
  return `an adapter imports only core, gen and its own folder; ${to} belongs to ${roomOf(to)}`;
}

function programProblem(room: string, path: string, to: string): string | undefined {
  if (/^(core|gen|rpc|web)\//.test(to) || to.startsWith(`${room}/`) || isPackage(to) || to.startsWith("node:")) {
    return undefined;
  }
  if (PROGRAMS.has(roomOf(to))) return `programs never import each other; ${to} belongs to ${roomOf(to)}`;
  if (path === `${room}/main.ts`) return undefined;
  if (/\/config(-\w+)?\.ts$/.test(path) && to.startsWith("adapters/settings/")) return undefined;
  return `only a program's main.ts imports adapters; ${to} belongs to ${roomOf(to)}`;
}

function webProblem(to: string): string | undefined {
  return /^(core|gen|web)\//.test(to) || isPackage(to) ? undefined : "web imports only core, gen and web";
}

function problemOf(path: string, to: string): string | undefined {
  const room = roomOf(path);
  if (room === "core") return coreProblem(to);
  if (room === "rpc") return rpcProblem(to);
  if (room === "web") return webProblem(to);
  if (room.startsWith("adapters/")) return adapterProblem(room, path, to);
  if (PROGRAMS.has(room)) return programProblem(room, path, to);
  return undefined;
}

/** Imports that point the wrong way, one sentence each. */
export function misplacedImports(files: readonly SourceFile[]): string[] {
  const problems: string[] = [];
  for (const { path, imports } of files) {
    if (isTest(path)) continue;
    for (const { to, line } of imports) {
      const problem = problemOf(path, to);
      if (problem !== undefined) problems.push(`${path}:${line}: ${problem}`);
      if (!isTest(path) && isTest(to)) problems.push(`${path}:${line}: only tests import tests; ${to} is one`);
    }
  }
  return problems;
}

/** Adapter folders that use more than one vendor SDK, one sentence each. */
export function crowdedAdapters(files: readonly SourceFile[]): string[] {
  const vendors = new Map<string, Set<string>>();
  for (const { path, imports } of files) {
    // Implementations of one port stand in folders of their own where each has its own SDK.
    const folder = path.split("/").slice(0, -1).join("/");
    if (!path.startsWith("adapters/") || isTest(path) || /\/(main|config)\.ts$/.test(path)) continue;
    for (const { to } of imports) {
      if (!isPackage(to) || CONTRACT_PACKAGES.test(to) || to === PARSER) continue;
      vendors.set(folder, (vendors.get(folder) ?? new Set()).add(vendorOf(to)));
    }
  }
  return [...vendors]
    .filter(([, used]) => used.size > 1)
    .map(([folder, used]) => `${folder} uses ${[...used].sort().join(" and ")}, but an adapter uses one vendor SDK`);
}
