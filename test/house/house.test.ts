import assert from "node:assert/strict";
import { crowdedAdapters, misplacedImports } from "./rooms.js";
import { type SourceFile, projectPaths, sourceFiles } from "./source-tree.js";

/**
 * Lengths may only shrink: a limit that could be lower must be lowered. Counted in lines.
 */
const LIMITS = { function: 60, file: 250, coreFile: 155 };

/** Files that are over the limit on purpose, each with its own limit and the reason. */
const LONG_FILES: Readonly<Record<string, number>> = {
  // All ports on one page, so that the full list of what the outside can do is seen at once.
  "core/ports.ts": 400,
};

/** Files that are a table of data. */
const TABLES = new Set(["adapters/source/site/places.ts"]);

/** Where clocks, randomness, timers and the environment may be touched. */
const OWNERS_OF_THE_OUTSIDE = /^(adapters|cli|test|bench)\//;

const OUTSIDE: readonly { readonly pattern: RegExp; readonly instead: string }[] = [
  { pattern: /\bDate\.now\(|\bnew Date\(\)/, instead: "take the time as an argument, or a Clock" },
  {
    pattern: /\bMath\.random\(|\brandomBytes\(|\brandomUUID\(|getRandomValues\(/,
    instead: "take randomness as an argument",
  },
  { pattern: /\bset(Timeout|Interval)\(/, instead: "wait with a Clock" },
  { pattern: /\bprocess\.(env|exit|argv)\b/, instead: "take settings as arguments" },
  { pattern: /\bconsole\.\w+\(/, instead: "take a Log" },
];

const isTest = ({ path }: SourceFile): boolean => /(\.test|\.test-support|\/contract)\.ts$/.test(path);

/** Code without comments and string contents, so that words in sentences are no finding. */
function codeOf({ text }: SourceFile): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"/g, (match) => match.replace(/[^\n]/g, " "));
}

function linesWith(file: SourceFile, pattern: RegExp): number[] {
  return codeOf(file)
    .split("\n")
    .flatMap((line, index) => (pattern.test(line) ? [index + 1] : []));
}

describe("house rules", () => {
  let files: SourceFile[] = [];
  before(() => {
    files = sourceFiles();
    assert.ok(files.length > 50, "the rules look at the project's sources");
  });

  it("imports point one way: core <- rpc, adapters <- programs <- cli", () => {
    assert.deepEqual(misplacedImports(files), []);
  });

  it("an adapter uses one vendor SDK", () => {
    assert.deepEqual(crowdedAdapters(files), []);
  });

  it("only adapters and the command touch clocks, randomness, timers, environment and console", () => {
    const findings = files
      .filter((file) => !OWNERS_OF_THE_OUTSIDE.test(file.path) && !isTest(file))
      .flatMap((file) =>
        OUTSIDE.flatMap(({ pattern, instead }) =>
          linesWith(file, pattern).map((line) => `${file.path}:${line}: ${instead}`),
        ),
      );
    assert.deepEqual(findings, []);
  });

  it("no program ends itself with process.exit", () => {
    const findings = files.flatMap((file) =>
      linesWith(file, /\bprocess\.exit\(/).map((line) => `${file.path}:${line}: set process.exitCode and return`),
    );
    assert.deepEqual(findings, []);
  });

  it(`functions read in one screen (${LIMITS.function} lines)`, () => {
    const findings = files
      .filter((file) => !isTest(file))
      .flatMap(({ path, functions }) =>
        functions
          .filter(({ lines }) => lines > LIMITS.function)
          .map(({ name, line, lines }) => `${path}:${line}: ${name} has ${lines} lines`),
      );
    assert.deepEqual(findings, []);
  });

  it(`files have one subject (${LIMITS.file} lines, in core ${LIMITS.coreFile})`, () => {
    const findings = files
      .filter((file) => !isTest(file) && !TABLES.has(file.path))
      .flatMap(({ path, text }) => {
        const lines = text.trimEnd().split("\n").length;
        const limit = LONG_FILES[path] ?? (path.startsWith("core/") ? LIMITS.coreFile : LIMITS.file);
        return lines > limit ? [`${path} has ${lines} lines, but may have ${limit}`] : [];
      });
    assert.deepEqual(findings, []);
  });

  it("the exceptions are needed", () => {
    for (const [path, limit] of Object.entries(LONG_FILES)) {
      const file = files.find((candidate) => candidate.path === path);
      const lines = file?.text.trimEnd().split("\n").length ?? 0;
      assert.ok(lines > limit - 20, `${path} has ${lines} lines; lower or drop its limit of ${limit}`);
    }
  });

  it("no large or generated blobs are in the tree", () => {
    const blobs = projectPaths().filter((path) => /\.(bin|parquet|csv|zip|gz|wasm)$/.test(path));
    assert.deepEqual(
      blobs.filter((path) => !path.startsWith("proto/")),
      [],
    );
  });
});
