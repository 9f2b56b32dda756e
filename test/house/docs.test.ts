/**
 * What the documents say of settings, errors and events must be what the code has.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DATASET_SCHEMA, DATASET_VERSION } from "../../adapters/parquet/dataset-files.js";
import { SETTINGS as CHAIN } from "../../adapters/chain/local/config.js";
import { environmentName, flagName } from "../../adapters/settings/settings.js";
import { SETTINGS as SITE } from "../../adapters/source/site/config.js";
import { SETTINGS as MINER } from "../../miner/config.js";
import { ROLES } from "../../rpc/auth/roles.js";
import { SETTINGS as SERVER } from "../../server/config.js";
import { SETTINGS as VALIDATOR } from "../../validator/config.js";
import { ROOT, projectPaths, sourceFiles } from "./source-tree.js";

const documentText = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const DOCUMENTS = ["README.md", ...projectPaths("docs")];

describe("documents", () => {
  it("operations.md lists every setting of every program", () => {
    const text = documentText("docs/operations.md");
    const names = [CHAIN, SITE, MINER, SERVER, VALIDATOR].flatMap((settings) => Object.keys(settings));
    const missing = names.filter((name) => !text.includes(`| \`${flagName(name)}\` | \`${environmentName(name)}`));
    assert.deepEqual(missing, []);
  });

  it("operations.md lists every log event, and no other", () => {
    const text = documentText("docs/operations.md");
    const told = new Set<string>();
    for (const { path, text: source } of sourceFiles()) {
      if (!/^(server|miner|validator|adapters\/(chain|source))\//.test(path) || /test/.test(path)) continue;
      for (const [, event] of source.matchAll(/\bevent: "([a-z_]+)"/g)) told.add(event ?? "");
    }
    const listed = [...text.matchAll(/^\| (?:server|miner|validator|chain|site) \| ((?:`[a-z_]+`(?:, )?)+) \|/gm)]
      .flatMap(([, cell = ""]) => cell.split(", "))
      .map((cell) => cell.replaceAll("`", ""));
    assert.deepEqual([...told].filter((event) => !listed.includes(event)).sort(), []);
    assert.deepEqual(listed.filter((event) => !told.has(event)).sort(), []);
  });

  it("protocol.md names every procedure of ours", () => {
    const text = documentText("docs/protocol.md");
    const names = Object.keys(ROLES)
      .filter((procedure) => procedure.startsWith("/zipnet."))
      .map((procedure) => procedure.split("/").at(-1) ?? "");
    assert.deepEqual(
      names.filter((name) => !text.includes(name)),
      [],
    );
  });

  it("dataset.md has the columns and the version of the dataset's files", () => {
    const text = documentText("docs/dataset.md");
    const told = [...text.matchAll(/^\| `(\w+)` \| ([^|]+?) \| (required|optional) \|/gm)].map((row) => row.slice(1));
    const written = DATASET_SCHEMA.slice(1).map(({ name, type, converted_type: kind, repetition_type: repetition }) => [
      name,
      kind === undefined ? type : `${type} (${kind})`,
      repetition?.toLowerCase(),
    ]);
    assert.deepEqual(told, written);
    assert.ok(text.includes(`The version is \`${DATASET_VERSION}\``));
  });

  it("every link between documents leads somewhere", () => {
    const broken = DOCUMENTS.flatMap((path) =>
      [...documentText(path).matchAll(/\]\((?!https?:)([^)#\s]+)/g)]
        .map(([, target = ""]) => join(dirname(path), target))
        .filter((target) => !existsSync(join(ROOT, target)))
        .map((target) => `${path}: ${target}`),
    );
    assert.deepEqual(broken, []);
  });

  it("every path of the code that they name is there", () => {
    const broken = DOCUMENTS.flatMap((path) =>
      [
        ...documentText(path).matchAll(
          /`((?:adapters|cli|core|miner|rpc|server|test|validator|web|deploy)\/[\w./-]+)`/g,
        ),
      ]
        .map(([, target = ""]) => target)
        .filter((target) => !existsSync(join(ROOT, target)))
        .map((target) => `${path}: ${target}`),
    );
    assert.deepEqual(broken, []);
  });
});
