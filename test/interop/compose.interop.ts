/**
 * The compose file, read by the library that docker compose reads it with.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const COMPOSE_FILE = fileURLToPath(new URL("../../deploy/compose/compose.yaml", import.meta.url));
const READER = "compose-go";
const isMissing = spawnSync(READER, ["-h"]).error !== undefined;

(isMissing ? describe.skip : describe)(`compose${isMissing ? ` (skipped: no ${READER} is on the path)` : ""}`, () => {
  const dir = mkdtempSync(join(tmpdir(), "zipnet-compose-"));
  after(() => rmSync(dir, { recursive: true }));

  /** Its reader's command knows no values for the variables, so they stay as they are. */
  function read(path: string): { readonly status: number | null; readonly text: string } {
    const { status, stdout, stderr } = spawnSync(READER, ["-no-interpolation", "-format", "json", path], {
      encoding: "utf8",
    });
    return { status, text: status === 0 ? stdout : stderr };
  }

  it("takes the file", () => {
    const { status, text } = read(COMPOSE_FILE);
    assert.equal(status, 0, text);
    const { services } = JSON.parse(text) as { services: Record<string, { deploy?: { replicas?: number } }> };
    assert.equal(services["server"]?.deploy?.replicas, 3);
    assert.deepEqual(Object.keys(services).sort(), ["balancer", "chain", "redis", "server"]);
  });

  it("would not take it with a word that means nothing", () => {
    const misspelt = join(dir, "compose.yaml");
    writeFileSync(misspelt, readFileSync(COMPOSE_FILE, "utf8").replace("replicas: 3", "replicaz: 3"));
    const { status, text } = read(misspelt);
    assert.notEqual(status, 0);
    assert.match(text, /replicaz/);
  });
});
